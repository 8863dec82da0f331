import { identifierKindOf, identifierText, memberKey } from "@coterie/identity";
import type { Identifier } from "@coterie/identity";
import type { Api } from "./api.ts";
import { ClientError } from "./errors.ts";

/** The inbox of each identifier, as the node has it; undefined where there is none. */
export async function findInboxIds(
  api: Api,
  identifiers: readonly Identifier[],
): Promise<(string | undefined)[]> {
  if (identifiers.length === 0) return [];
  return api.getInboxIds(
    identifiers.map((identifier) => ({
      identifier: identifierText(identifier),
      kind: identifierKindOf(identifier),
    })),
  );
}

/** Like {@link findInboxIds}; throws `client/address-not-found` where one is unknown. */
export async function resolveInboxIds(
  api: Api,
  identifiers: readonly Identifier[],
): Promise<string[]> {
  const found = await findInboxIds(api, identifiers);
  return identifiers.map((identifier, i) => {
    const inboxId = found[i];
    if (inboxId === undefined) {
      throw new ClientError("client/address-not-found", { identifier: memberKey(identifier) });
    }
    return inboxId;
  });
}
