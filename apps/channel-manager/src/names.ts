import { parseSlimName, slimName } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";

/** What was typed for a channel: exactly three parts. Throws an error in words for people. */
export function parseChannelName(text: string): SlimName {
  const { organization, namespace, service } = parseParts(text, [3]);
  return slimName(organization, namespace, service);
}

/** For a participant: three parts, or four with a UUID. */
export function parseParticipantName(text: string): SlimName {
  return parseParts(text, [3, 4]);
}

function parseParts(text: string, counts: readonly number[]): SlimName {
  if (text === "") throw new NameError("name cannot be empty");
  const parts = text.split("/");
  if (!counts.includes(parts.length) || parts.some((part) => part.trim() === "")) {
    throw new NameError(
      `invalid name format, expected ${counts.join(" or ")} components separated by '/'`,
    );
  }
  try {
    return parseSlimName(text);
  } catch (cause) {
    throw new NameError(
      parts.length === 4 ? "the 4th component must be a UUID" : "a component is too long",
      { cause },
    );
  }
}

class NameError extends Error {}
