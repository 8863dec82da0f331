// One person of the demo: a process of its own with its own wallet and encrypted database, driven by the stage over IPC.
import { join } from "node:path";
import { CoterieError, fromHex } from "@coterie/base";
import { Client, Group, privateKeySigner } from "@coterie/client/node";
import type { Answers, Ask, FromActor, ToActor } from "./protocol.ts";

let client: Client | undefined;
const say = (message: FromActor): void => {
  process.send?.(message);
};
const wallClock = (): number => performance.timeOrigin + performance.now();

function theClient(): Client {
  if (!client) throw new CoterieError("cli/not-open", { disposition: "fix-caller" });
  return client;
}

async function theGroup(groupId: string): Promise<Group> {
  const { conversations } = theClient();
  let group = await conversations.getConversationById(groupId);
  if (!group) {
    await conversations.sync();
    group = await conversations.getConversationById(groupId);
  }
  if (!(group instanceof Group)) {
    throw new CoterieError("cli/no-such-group", { disposition: "wait", details: { groupId } });
  }
  return group;
}

async function open(ask: Extract<Ask, { op: "open" }>): Promise<Answers["open"]> {
  const signer = privateKeySigner(ask.wallet);
  client = await Client.create(signer, {
    apiUrl: ask.apiUrl,
    dbPath: join(ask.folder, "client.db"),
    dbEncryptionKey: fromHex(ask.dbKey),
    appVersion: "coterie-demo/0.1.0",
  });
  void listen(client);
  return { inboxId: client.inboxId, address: (await signer.getIdentifier()).identifier };
}

async function listen(from: Client): Promise<void> {
  const stream = await from.conversations.streamAllMessages();
  for await (const message of stream) {
    if (typeof message.content !== "string") continue;
    say({ kind: "heard", groupId: message.conversationId, text: message.content, at: wallClock() });
  }
}

async function look(groupId: string): Promise<Answers["look"]> {
  const group = await theGroup(groupId);
  if (group.isActive) await group.sync();
  const [members, messages, debug] = await Promise.all([
    group.members(),
    group.messages(),
    group.debugInfo(),
  ]);
  return {
    name: group.name,
    active: group.isActive,
    epoch: debug.epoch,
    members: members.map((member) => member.inboxId),
    texts: messages.flatMap(({ content }) => (typeof content === "string" ? [content] : [])),
  };
}

async function act(ask: Ask): Promise<Answers[Ask["op"]]> {
  switch (ask.op) {
    case "open":
      return open(ask);
    case "create-group": {
      const group = await theClient().conversations.createGroup([...ask.inboxIds], {
        groupName: ask.name,
      });
      return { groupId: group.id };
    }
    case "send": {
      const group = await theGroup(ask.groupId);
      const sentAt = wallClock();
      await group.sendText(ask.text);
      return { sentAt };
    }
    case "look":
      return look(ask.groupId);
    case "add":
      await (await theGroup(ask.groupId)).addMembers([ask.inboxId]);
      return {};
    case "remove":
      await (await theGroup(ask.groupId)).removeMembers([ask.inboxId]);
      return {};
    case "rename":
      await (await theGroup(ask.groupId)).updateName(ask.name);
      return {};
    case "promote":
      await (await theGroup(ask.groupId)).addSuperAdmin(ask.inboxId);
      return {};
    case "close":
      await client?.close();
      client = undefined;
      return {};
  }
}

/** The reason in words where there is one, with the rule that gave it. */
function reasonOf(error: unknown): string {
  if (!(error instanceof CoterieError))
    return error instanceof Error ? error.message : String(error);
  const { reason, rule } = error.details;
  if (reason === undefined) return error.message;
  return rule === undefined ? String(reason) : `${String(reason)} (${String(rule)})`;
}

process.on("message", (message: ToActor) => {
  const started = performance.now();
  const tookMs = () => performance.now() - started;
  act(message.ask).then(
    (value) => {
      say({ kind: "answer", id: message.id, value, tookMs: tookMs() });
      if (message.ask.op === "close") process.disconnect?.();
    },
    (error: unknown) => {
      const code = error instanceof CoterieError ? error.code : "cli/unexpected";
      say({ kind: "refusal", id: message.id, code, reason: reasonOf(error), tookMs: tookMs() });
    },
  );
});
