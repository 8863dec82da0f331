import { Group } from "@coterie/client";
import type { Dm } from "@coterie/client";
import { CliError } from "../errors.ts";
import {
  consentName,
  findConversation,
  findEntity,
  findPeople,
  findPerson,
  parseConsent,
} from "../find.ts";
import type { Output } from "../output.ts";
import type { Verbs } from "../verbs.ts";
import { conversationJson, conversationLine, memberJson, memberLine } from "../show.ts";

async function showAll(output: Output, conversations: readonly (Group | Dm)[]): Promise<void> {
  const all = await Promise.all(conversations.map(conversationJson));
  output.result(all, all.map(conversationLine));
}

async function showOne(output: Output, conversation: Group | Dm): Promise<void> {
  const json = await conversationJson(conversation);
  output.result(json, [conversationLine(json)]);
}

export function addConversationVerbs({ program, withClient }: Verbs): void {
  const groups = program.command("groups").description("list groups, make one");
  groups
    .command("list", { isDefault: true })
    .description("list groups, newest first")
    .action(
      withClient(async ({ client, output }) => {
        await client.conversations.sync();
        await showAll(output, await client.conversations.listGroups());
      }),
    );
  groups
    .command("create")
    .description("make a group with some people")
    .argument("[person...]", "inbox ids or 0x addresses")
    .option("--name <name>", "name of the group")
    .option("--description <text>", "what it is for")
    .action(
      withClient(async ({ client, output }, people: string[], options: Record<string, string>) => {
        const group = await client.conversations.createGroup(await findPeople(client, people), {
          groupName: options["name"],
          groupDescription: options["description"],
        });
        await showOne(output, group);
      }),
    );

  const dms = program.command("dms").description("list direct messages, open one");
  dms
    .command("list", { isDefault: true })
    .description("list direct messages, newest first")
    .action(
      withClient(async ({ client, output }) => {
        await client.conversations.sync();
        await showAll(output, await client.conversations.listDms());
      }),
    );
  dms
    .command("open")
    .description("open the direct messages with a person")
    .argument("<person>", "inbox id or 0x address")
    .action(
      withClient(async ({ client, output }, person: string) => {
        await client.conversations.sync();
        await showOne(
          output,
          await client.conversations.createDm(await findPerson(client, person)),
        );
      }),
    );

  const members = program
    .command("members")
    .description("list members of a conversation, add and remove some");
  members
    .command("list", { isDefault: true })
    .description("list members with their roles")
    .argument("<conversation>", "id, the start of it, or a person for direct messages")
    .action(
      withClient(async ({ client, output }, text: string) => {
        const conversation = await findConversation(client, text);
        if (conversation.isActive) await conversation.sync();
        const all = await conversation.members();
        output.result(
          all.map(memberJson),
          all.map((member) => memberLine(member, client.inboxId)),
        );
      }),
    );
  for (const [verb, change] of [
    ["add", (group: Group, ids: readonly string[]) => group.addMembers(ids)],
    ["remove", (group: Group, ids: readonly string[]) => group.removeMembers(ids)],
  ] as const) {
    members
      .command(verb)
      .description(`${verb} people`)
      .argument("<group>", "id or the start of it")
      .argument("<person...>", "inbox ids or 0x addresses")
      .action(
        withClient(async ({ client, output }, text: string, people: string[]) => {
          const group = await findConversation(client, text);
          if (!(group instanceof Group)) {
            throw new CliError("cli/bad-argument", "members of direct messages do not change");
          }
          const inboxIds = await findPeople(client, people);
          await change(group, inboxIds);
          output.result(
            { groupId: group.id, [verb === "add" ? "added" : "removed"]: inboxIds },
            [],
          );
        }),
      );
  }

  program
    .command("consent")
    .description("show or set whether a conversation or a person is welcome")
    .argument("<entity>", "conversation id, or inbox id or 0x address of a person")
    .argument("[state]", "allowed, denied or unknown")
    .action(
      withClient(async ({ client, output }, text: string, state: string | undefined) => {
        const wanted = state === undefined ? undefined : parseConsent(state);
        const { entityType, entity } = await findEntity(client, text);
        if (wanted !== undefined) {
          await client.preferences.setConsentStates([{ entityType, entity, state: wanted }]);
        }
        const consent = consentName(await client.preferences.getConsentState(entityType, entity));
        output.result({ entity, consent }, [consent]);
      }),
    );
}
