import type { Group } from "@coterie/client";
import { standing } from "./forger.ts";
import type { Actor, World } from "./world.ts";

/** Texts that an actor has of a group, oldest first. */
export async function textsOf(group: Group | undefined): Promise<string[]> {
  const messages = (await group?.messages()) ?? [];
  return messages.flatMap(({ content }) => (typeof content === "string" ? [content] : []));
}

/** The actor's own view of a group; throws where there is none. */
export async function groupOf(actor: Actor, id: string): Promise<Group> {
  const found = await actor.client.conversations.getConversationById(id);
  if (!found) throw new Error(`${actor.name} is not in the group`);
  return found as Group;
}

/** Reads welcomes, then answers with the actor's view of the group after a sync. */
export async function follow(actor: Actor, id: string): Promise<Group> {
  await actor.client.conversations.sync();
  const group = await groupOf(actor, id);
  await group.sync();
  return group;
}

/** Epoch and authenticator of every actor after a sync: one value if nobody is forked. */
export async function standings(actors: readonly Actor[], id: string): Promise<Set<string>> {
  const out = new Set<string>();
  for (const actor of actors) {
    const group = await follow(actor, id);
    out.add(standing(await group.debugInfo()));
  }
  return out;
}

/** Actors of these names, and a group of the first one with all of them in it. */
export async function crew(
  world: World,
  names: readonly string[],
  options: Parameters<Actor["client"]["conversations"]["createGroup"]>[1] = {},
): Promise<{ readonly actors: Actor[]; readonly group: Group }> {
  const actors: Actor[] = [];
  for (const name of names) actors.push(await world.join(name));
  const [first, ...others] = actors;
  if (!first) throw new Error("a crew has somebody in it");
  const group = await first.client.conversations.createGroup(
    others.map(({ client }) => client.inboxId),
    options,
  );
  for (const actor of others) await follow(actor, group.id);
  return { actors, group };
}
