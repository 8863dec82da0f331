import type { GroupWelcomePayload } from "@coterie/wire/slim";
import { placesOfOurs } from "./known-ours.ts";
import { refused } from "./mls-profile.ts";
import type { Context, Session } from "./model.ts";
import { isOurs } from "./received.ts";
import type { Received } from "./received.ts";
import { enroll, expel, readParticipant } from "./roster.ts";

/** The members are those that the moderator lists. */
export function rebuildRoster(
  context: Context,
  session: Session,
  { participants }: Pick<GroupWelcomePayload, "participants">,
  from: Received,
): void {
  const listed = participants.map((participant) => readParticipant(context, participant));
  if (!listed.some(({ name }) => name.key === session.source.key)) throw refused("not-listed");
  const keys = new Set(listed.map(({ name }) => name.key));
  for (const key of session.roster.keys()) if (!keys.has(key)) expel(context, session, key);
  const told = placesOfOurs(from);
  for (const [place, { name, settings, online }] of listed.entries()) {
    const known = session.roster.get(name.key);
    const itself = name.key === session.source.key;
    if (known?.online === true && online && !itself) continue;
    const ours =
      itself || (name.key === from.source.key ? isOurs(from) : (known?.ours ?? told.has(place)));
    enroll(context, session, { ...known, name, settings, online: online || itself, ours });
  }
}
