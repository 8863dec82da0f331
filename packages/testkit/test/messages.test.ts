import { gzipSync } from "node:zlib";
import { toUtf8 } from "@coterie/base";
import {
  ContentType,
  ReactionAction,
  ReactionSchema,
  attachmentCodec,
  deleteMessageCodec,
  encodeAttachment,
  encodeText,
  isDeletedMessage,
  isGroupUpdated,
  isReply,
  isText,
  isTextReply,
  replyCodec,
} from "@coterie/client";
import type { ContentCodec, DecodedMessage, Group } from "@coterie/client";
import { expect, test } from "vitest";
import { createMemoryTransport } from "@coterie/transport";
import { createPushServer, createWorld, crew, follow, groupOf, settle } from "@coterie/testkit";
import type { Actor } from "@coterie/testkit";

const reactionTo = (message: string, sender: string, content: string, removed = false) => ({
  reference: message,
  referenceInboxId: sender,
  action: removed ? ReactionAction.Removed : ReactionAction.Added,
  content,
  schema: ReactionSchema.Unicode,
});

async function applicationMessages(group: Group): Promise<DecodedMessage[]> {
  await group.sync();
  return group.messages({ kind: 0 });
}

test("XMS-10: reactions hang on their target, replies are counted and name what they answer", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  const his = await groupOf(bo, group.id);
  const hello = await group.sendText("hello");
  await his.sync();
  const adas = ada.client.inboxId;
  await his.sendReaction(reactionTo(hello, adas, "👍"));
  await his.sendReaction(reactionTo(hello, adas, "👍", true));
  const answer = await his.sendReply({ content: encodeText("re"), reference: hello });
  const second = await his.sendReply({
    content: encodeAttachment({ mimeType: "a/b", content: Uint8Array.of(1) }),
    reference: answer,
    referenceInboxId: bo.client.inboxId,
  });
  const lost = await his.sendReply({ content: encodeText("re"), reference: "00".repeat(32) });
  await his.sendReadReceipt();

  for (const own of [group, his]) {
    const messages = await applicationMessages(own);
    expect(messages.map(({ id }) => id)).toEqual([hello, answer, second, lost]);
    const [first, two, three, four] = messages as [
      DecodedMessage,
      DecodedMessage,
      DecodedMessage,
      DecodedMessage,
    ];
    expect(first.numReplies).toBe(1);
    expect(first.reactions.map(({ content }) => [content?.content, content?.action])).toEqual([
      ["👍", ReactionAction.Added],
      ["👍", ReactionAction.Removed],
    ]);
    expect(two.numReplies).toBe(1);
    expect(isTextReply(two) && two.content.content).toBe("re");
    expect(isReply(two) && two.content.inReplyTo?.content).toBe("hello");
    expect(isReply(two) && two.content.inReplyTo?.reactions).toEqual([]);
    expect(two.fallback).toBe('Replied with "re" to an earlier message');
    expect(isTextReply(three)).toBe(false);
    expect(three.content).toMatchObject({
      referenceId: answer,
      content: { mimeType: "a/b", content: Uint8Array.of(1) },
      contentType: attachmentCodec.contentType,
      inReplyTo: { id: answer, content: { content: "re", inReplyTo: null } },
    });
    expect(four.content).toMatchObject({ referenceId: "00".repeat(32), inReplyTo: null });
    // A transcript of the creation at the creator, of the welcome at him; two reactions, one receipt.
    expect(await own.countMessages()).toBe(messages.length + 4);
    expect(await own.countMessages({ contentTypes: [ContentType.Reaction] })).toBe(2);
    expect((await own.lastMessage())?.id).toBe(lost);
    expect(Object.keys(await own.lastReadTimes())).toEqual([bo.client.inboxId]);
    const [transcript] = await own.messages({ kind: 1 });
    expect(transcript && isGroupUpdated(transcript)).toBe(true);
  }
  expect(await ada.client.conversations.getMessageById(answer)).toMatchObject({ numReplies: 1 });
  expect(await ada.client.conversations.getMessageById("ff".repeat(32))).toBeUndefined();
  await world.close();
});

test("XMS-09, XST-07: deleted messages become placeholders and are told on every side", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  const his = await groupOf(bo, group.id);
  const said = await his.sendText("a secret");
  const answer = await his.sendReply({ content: encodeText("more"), reference: said });
  await his.sendReaction(reactionTo(said, bo.client.inboxId, "x"));
  await group.sync();
  const gone: [string, unknown][] = [];
  const ids: string[] = [];
  for (const { client, name } of [ada, bo]) {
    await client.conversations.streamDeletedMessages({
      onValue: ({ content }) => gone.push([name, content]),
    });
    await client.conversations.streamMessageDeletions({ onValue: (id) => ids.push(id) });
  }
  await his.deleteMessage(said);
  // Said twice, told once.
  await his.deleteMessage(said);
  for (const own of [group, his]) {
    const [placeholder, reply] = (await applicationMessages(own)) as [
      DecodedMessage,
      DecodedMessage,
    ];
    expect(isDeletedMessage(placeholder) && placeholder.content).toEqual({ deletedBy: "Sender" });
    expect(placeholder).toMatchObject({ id: said, reactions: [], numReplies: 0 });
    expect(placeholder.fallback).toBeUndefined();
    expect(placeholder.encodedContent).toBeUndefined();
    expect(isReply(reply) && reply.content.inReplyTo?.content).toEqual({ deletedBy: "Sender" });
  }
  await settle();
  expect(gone.toSorted()).toEqual([
    ["ada", "a secret"],
    ["bo", "a secret"],
  ]);
  expect(ids).toEqual([said, said]);

  // Here and nowhere else.
  expect(await ada.client.conversations.deleteMessageById(answer)).toBe(1);
  expect(await ada.client.conversations.deleteMessageById(answer)).toBe(0);
  expect((await applicationMessages(group)).map(({ id }) => id)).toEqual([said]);
  expect((await applicationMessages(his)).length).toBe(2);
  await settle();
  expect(ids.at(-1)).toBe(answer);

  await expect(group.deleteMessage("ff".repeat(32))).rejects.toMatchObject({
    code: "client/not-found",
  });
  const [transcript] = await group.messages({ kind: 1 });
  await expect(group.deleteMessage(transcript?.id ?? "")).rejects.toMatchObject({
    code: "client/unsupported",
    details: { rule: "XMS-09" },
  });
  await world.close();
});

test("a message that is deleted before it was sent is not sent", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  const regret = await group.sendText("regret", { optimistic: true });
  await group.sendText("kept", { optimistic: true });
  expect(await ada.client.conversations.deleteMessageById(regret)).toBe(1);
  await group.sync();
  const his = await follow(bo, group.id);
  for (const own of [group, his]) {
    expect((await own.messages({ kind: 0 })).map(({ content }) => content)).toEqual(["kept"]);
  }
  expect((await group.debugInfo()).openIntents).toEqual([]);
  await world.close();
});

test("XMS-09: a deletion said in another group, or by a super admin of another group, counts for nothing", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const bo = actors[1] as Actor;
  const said = await group.sendText("stays");
  const his = await follow(bo, group.id);
  // He is the super admin of this one.
  const other = await bo.client.conversations.createGroup([(actors[0] as Actor).client.inboxId]);
  await other.sendContent(deleteMessageCodec, { messageId: said });
  await follow(actors[0] as Actor, other.id);
  for (const own of [group, his]) {
    expect((await applicationMessages(own)).map(({ content }) => content)).toEqual(["stays"]);
  }
  await expect(other.deleteMessage(said)).rejects.toMatchObject({ code: "client/not-found" });
  await world.close();
});

test("XMS-09: what a super admin deleted stays deleted, whatever they say once they are none", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo", "cy"]);
  const bo = actors[1] as Actor;
  const his = await groupOf(bo, group.id);
  const said = await group.sendText("unwanted");
  await group.addSuperAdmin(bo.client.inboxId);
  await his.sync();
  await his.deleteMessage(said);
  await group.sync();
  await group.removeSuperAdmin(bo.client.inboxId);
  await his.sync();
  await his.sendContent(deleteMessageCodec, { messageId: said });
  for (const actor of actors) {
    const own = await follow(actor, group.id);
    expect((await applicationMessages(own)).map(({ content }) => content)).toEqual([
      { deletedBy: "Admin", adminInboxId: bo.client.inboxId },
    ]);
  }
  await world.close();
});

test("XDM-05: reactions, replies and deletions work across the duplicates of a DM", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const [hers, his] = await Promise.all([
    ada.client.conversations.createDm(bo.client.inboxId),
    bo.client.conversations.createDm(ada.client.inboxId),
  ]);
  const inHers = await hers.sendText("in hers");
  const inHis = await his.sendText("in his");
  await ada.client.conversations.syncAll();
  await bo.client.conversations.syncAll();
  await hers.sendReaction(reactionTo(inHis, bo.client.inboxId, "!"));
  await hers.sendReply({ content: encodeText("to his"), reference: inHis });
  await his.sync();
  // Lies in hers, deleted by her through whichever of the two is shown.
  const [shown] = await ada.client.conversations.listDms();
  await shown?.deleteMessage(inHers);
  for (const { client } of [ada, bo]) {
    await client.conversations.syncAll();
    const [dm] = await client.conversations.listDms();
    const messages = (await dm?.messages({ kind: 0 })) ?? [];
    const target = messages.find(({ id }) => id === inHis);
    expect(target).toMatchObject({ numReplies: 1, reactions: [{ content: { content: "!" } }] });
    expect(messages.find(({ id }) => id === inHers)?.content).toEqual({ deletedBy: "Sender" });
    expect(messages.find(isReply)?.content.inReplyTo?.id).toBe(inHis);
  }
  await world.close();
});

test("custom codecs carry values, fallbacks and wishes to push; without one there is the fallback", async () => {
  const diceCodec: ContentCodec<{ sides: number }> = {
    contentType: { authorityId: "my.org", typeId: "dice", versionMajor: 1, versionMinor: 0 },
    encode: ({ sides }) => ({
      type: diceCodec.contentType,
      parameters: { sides: String(sides) },
      content: new Uint8Array(0),
    }),
    decode({ parameters: { sides } }) {
      if (!/^\d+$/.test(sides ?? "")) throw new Error("no dice");
      return { sides: Number(sides) };
    },
    fallback: ({ sides }) => `A dice with ${sides} sides`,
    shouldPush: () => false,
  };
  const world = createWorld();
  const ada = await world.join("ada", { codecs: [diceCodec] });
  const bo = await world.join("bo");
  const group = await ada.client.conversations.createGroup([bo.client.inboxId]);
  await group.sendContent(diceCodec, { sides: 6 });
  await group.sendReply({ content: diceCodec.encode({ sides: 4 }), reference: "0".repeat(64) });
  await group.send({ ...diceCodec.encode({ sides: 6 }), parameters: {}, fallback: "broken" });
  await group.send({
    ...encodeText(""),
    content: gzipSync("compressed"),
    compression: 1,
  });
  const his = await follow(bo, group.id);

  const [mine, reply, broken, text] = (await group.messages({ kind: 0 })) as DecodedMessage[];
  expect(mine).toMatchObject({ content: { sides: 6 }, fallback: "A dice with 6 sides" });
  expect(reply?.content).toMatchObject({ content: { sides: 4 } });
  expect(broken).toMatchObject({ content: undefined, fallback: "broken" });
  expect(text && isText(text) && text.content).toBe("compressed");

  const [theirs, other] = (await his.messages({ kind: 0 })) as DecodedMessage[];
  expect(theirs).toMatchObject({
    content: undefined,
    contentType: diceCodec.contentType,
    fallback: "A dice with 6 sides",
    encodedContent: { parameters: { sides: "6" } },
  });
  expect(other?.content).toMatchObject({ content: undefined, contentType: diceCodec.contentType });

  const before = await group.countMessages();
  const huge = { mimeType: "a/b", content: new Uint8Array(20_000_000) };
  await expect(group.sendAttachment(huge)).rejects.toMatchObject({
    code: "client/content-too-large",
    details: { limit: 20_000_000 },
  });
  expect(await group.countMessages()).toBe(before);
  await expect(group.send({ parameters: {}, content: toUtf8("x") })).rejects.toMatchObject({
    code: "client/missing-content-type",
  });
  await world.close();
});

test("an app's own codec for a built-in type goes before ours, for replies too", async () => {
  const world = createWorld();
  const own: ContentCodec = { ...replyCodec, decode: () => "mine" };
  const ada = await world.join("ada", { codecs: [own] });
  const group = await ada.client.conversations.createGroup([]);
  await group.sendReply({ content: encodeText("re"), reference: "0".repeat(64) });
  await group.send({ ...encodeText(""), type: replyCodec.contentType, parameters: {} });
  const shown = await group.messages({ kind: 0 });
  expect(shown.map(({ content }) => content)).toEqual(["mine", "mine"]);
  await world.close();
});

test("7.3: a transcript that somebody sent is none", async () => {
  const world = createWorld();
  const { group } = await crew(world, ["ada", "bo"]);
  const [real] = (await group.messages({ kind: 1 })) as [DecodedMessage];
  const { encodedContent } = real;
  await group.send(encodedContent as NonNullable<typeof encodedContent>);
  const [forged] = (await group.messages({ kind: 0 })) as [DecodedMessage];
  expect(forged.contentType).toEqual(real.contentType);
  expect(forged.content).toBeUndefined();
  expect(isGroupUpdated(real)).toBe(true);
  expect(isGroupUpdated(forged)).toBe(false);
  await world.close();
});

test("XPU-08: what hangs on others comes out of a push too", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  const his = await groupOf(bo, group.id);
  const transport = createMemoryTransport(world.node.routes, { peer: "push" });
  const server = createPushServer(transport, world.crypto);
  server.register({ device: "bo", topics: [group.topic], hmacKeys: {} });
  await settle();
  const hello = await group.sendText("hello");
  await group.sendReaction(reactionTo(hello, ada.client.inboxId, "x"), { shouldPush: true });
  await settle();
  const pushed: unknown[] = [];
  for (const { payload } of server.sent) {
    for (const message of await his.processStreamedMessage(payload)) pushed.push(message);
  }
  expect(pushed).toMatchObject([
    { content: "hello", reactions: [] },
    { content: { reference: hello, content: "x" } },
  ]);
  server.close();
  await world.close();
});

test("XDS-04: an expired message is gone from every view before the worker comes by", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const { conversations } = (actors[0] as Actor).client;
  await group.updateMessageDisappearingSettings(1n, 1_000_000_000n);
  const short = await group.sendText("short");
  expect((await conversations.getMessageById(short))?.expiresAt).toBeInstanceOf(Date);
  await group.removeMessageDisappearingSettings();
  const reply = await group.sendReply({ content: encodeText("re"), reference: short });
  await world.clock.advance(2_000);
  expect(await conversations.getMessageById(short)).toBeUndefined();
  expect(await conversations.getMessageById(reply)).toMatchObject({ content: { inReplyTo: null } });
  expect((await group.messages({ kind: 0 })).map(({ id }) => id)).toEqual([reply]);
  await world.close();
});

test("streams give messages as lists show them", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const his = await groupOf(actors[1] as Actor, group.id);
  const heard: DecodedMessage[] = [];
  const stream = await his.stream({ onValue: (message) => heard.push(message) });
  const hello = await group.sendText("hello");
  await group.sendReply({ content: encodeText("re"), reference: hello });
  await settle();
  await settle();
  expect(heard.map(({ content }) => content)).toMatchObject([
    "hello",
    { content: "re", inReplyTo: { id: hello, content: "hello" } },
  ]);
  await stream.end();
  await world.close();
});
