import { parseIdentifier } from "@coterie/identity";
import type { PublicIdentifier } from "@coterie/identity";
import type { Client } from "../client.ts";
import { ClientError } from "../errors.ts";

/** How older texts name people: an account address, or an inbox id. */
export interface People {
  readonly identifiers: readonly PublicIdentifier[];
  readonly inboxIds: readonly string[];
}

/** Sorts names into addresses and inbox ids. Throws `client/bad-argument` for what is neither. */
export function peopleOf(names: readonly string[]): People {
  const inboxIds = names.filter(isInboxId);
  const identifiers = names.filter((name) => !isInboxId(name)).map(addressOf);
  return { identifiers, inboxIds };
}

function isInboxId(name: string): boolean {
  return /^[0-9a-f]{64}$/i.test(name);
}

function addressOf(name: string): PublicIdentifier {
  const identifier: PublicIdentifier = { identifier: name, identifierKind: 0 };
  try {
    parseIdentifier(identifier);
  } catch (cause) {
    throw new ClientError("client/bad-argument", { argument: "account address" }, { cause });
  }
  return identifier;
}

/** The inbox of each name. Throws `client/address-not-found`, `client/bad-argument`. */
export function inboxIdsOf(client: Client, names: readonly string[]): Promise<string[]> {
  return Promise.all(
    names.map(async (name) => {
      if (isInboxId(name)) return name.toLowerCase();
      const found = await client.fetchInboxIdByIdentifier(addressOf(name));
      if (!found) throw new ClientError("client/address-not-found", { identifier: name });
      return found;
    }),
  );
}
