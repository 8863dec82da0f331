import { ConsentEntityType, ConsentState } from "@coterie/client";
import type { Client, Dm, Group, PublicIdentifier } from "@coterie/client";
import { CliError } from "./errors.ts";

const inboxId = /^[0-9a-f]{64}$/;
const address = /^0x[0-9a-fA-F]{40}$/;
const idStart = /^[0-9a-f]{4,32}$/;

function ethereum(text: string): PublicIdentifier {
  return { identifier: text.toLowerCase(), identifierKind: 0 };
}

/** Inbox ids of people given by inbox id or address. Throws `client/address-not-found` for an address without an inbox. */
export async function findPeople(client: Client, people: readonly string[]): Promise<string[]> {
  return Promise.all(people.map((person) => findPerson(client, person)));
}

export async function findPerson(client: Client, person: string): Promise<string> {
  if (inboxId.test(person)) return person;
  if (!address.test(person)) {
    throw new CliError("cli/bad-argument", `not a person (inbox id or 0x address): ${person}`);
  }
  const found = await client.fetchInboxIdByIdentifier(ethereum(person));
  if (found !== null) return found;
  throw new CliError("cli/bad-argument", `nobody can be reached at ${person}`);
}

/** A conversation by its id or the start of it, or the DM with a person; asks the node once where none is known here. */
export async function findConversation(client: Client, text: string): Promise<Group | Dm> {
  const { conversations } = client;
  if (inboxId.test(text) || address.test(text)) {
    const dm = await conversations.getDmByInboxId(await findPerson(client, text));
    if (dm) return dm;
    throw new CliError("cli/no-such-conversation", `no DM with ${text}: coterie dms open`);
  }
  if (!idStart.test(text)) {
    throw new CliError(
      "cli/bad-argument",
      `not a conversation (id, or at least 4 digits of it): ${text}`,
    );
  }
  for (const attempt of ["known", "asked"]) {
    if (attempt === "asked") await conversations.sync();
    const found = (await conversations.list()).filter(({ id }) => id.startsWith(text));
    if (found.length > 1)
      throw new CliError("cli/ambiguous", `${text} fits ${found.length} conversations`);
    if (found[0]) return found[0];
  }
  throw new CliError("cli/no-such-conversation", `no conversation ${text} here`);
}

const states = {
  unknown: ConsentState.Unknown,
  allowed: ConsentState.Allowed,
  denied: ConsentState.Denied,
};
const consentStates: readonly string[] = Object.keys(states);

export function consentName(state: ConsentState): string {
  return Object.entries(states).find(([, value]) => value === state)?.[0] ?? "unknown";
}

export function parseConsent(text: string): ConsentState {
  const state = (states as Readonly<Record<string, ConsentState>>)[text];
  if (state !== undefined) return state;
  throw new CliError("cli/bad-argument", `consent is ${consentStates.join(", ")}, not ${text}`);
}

/** What consent is about: a conversation by its id, or a person. */
export async function findEntity(
  client: Client,
  text: string,
): Promise<{ readonly entityType: ConsentEntityType; readonly entity: string }> {
  if (inboxId.test(text) || address.test(text)) {
    return { entityType: ConsentEntityType.InboxId, entity: await findPerson(client, text) };
  }
  const { id } = await findConversation(client, text);
  return { entityType: ConsentEntityType.GroupId, entity: id };
}
