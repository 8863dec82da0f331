import { expect, test } from "vitest";
import { Status } from "@coterie/transport";
import {
  paths,
  QueryWelcomeMessagesRequest,
  QueryWelcomeMessagesResponse,
  SendWelcomeMessagesRequest,
  SortDirection,
  SubscribeWelcomeMessagesRequest,
  WelcomeMessage,
} from "@coterie/wire";
import type { WelcomeMessageInput } from "@coterie/wire";
import type { Transport } from "@coterie/transport";
import { bytes, none, query, send, world } from "./world.ts";

const { mls } = paths;
const refused = { status: Status.invalidArgument };

const v1 = (more: Partial<Extract<WelcomeMessageInput, { kind: "v1" }>["value"]> = {}) =>
  ({
    kind: "v1",
    value: {
      installationKey: bytes(1),
      data: bytes(2),
      hpkePublicKey: bytes(3),
      wrapperAlgorithm: 2,
      welcomeMetadata: bytes(4),
      ...more,
    },
  }) as const;

const pointer = (
  more: Partial<Extract<WelcomeMessageInput, { kind: "welcomePointer" }>["value"]> = {},
) =>
  ({
    kind: "welcomePointer",
    value: {
      installationKey: bytes(1),
      welcomePointer: bytes(5),
      hpkePublicKey: bytes(3),
      wrapperAlgorithm: 2,
      ...more,
    },
  }) as const;

const sendWelcomes = (client: Transport, ...messages: WelcomeMessageInput[]) =>
  client.unary(mls.sendWelcomeMessages, SendWelcomeMessagesRequest.encode({ messages }));

async function welcomesOf(client: Transport, installationKey: Uint8Array) {
  const request = QueryWelcomeMessagesRequest.encode({
    installationKey,
    pagingInfo: { direction: SortDirection.ascending, limit: 0, idCursor: 0n },
  });
  const answer = await client.unary(mls.queryWelcomeMessages, request);
  return QueryWelcomeMessagesResponse.decode(answer).messages;
}

test("XND-36: welcomes and pointers come back with every field as it was", async () => {
  const { client } = world();
  const symmetric = v1({ data: bytes(6), hpkePublicKey: none, wrapperAlgorithm: 3 });
  await sendWelcomes(client, v1(), pointer(), symmetric);
  const [one, two, three] = await welcomesOf(client, bytes(1));
  expect(one).toMatchObject(v1());
  expect(two).toMatchObject(pointer());
  expect(three).toMatchObject(symmetric);
});

test("XND-36: the destination of a pointee is a key like any other", async () => {
  const { client } = world();
  const destination = new Uint8Array(32).fill(9);
  await sendWelcomes(
    client,
    v1({ installationKey: destination, hpkePublicKey: none, wrapperAlgorithm: 3 }),
  );
  expect(await welcomesOf(client, destination)).toHaveLength(1);
});

test("XND-36: welcomes have their own ids", async () => {
  const { client } = world();
  await send(client, { group: 1, content: 1 }, { group: 1, content: 2 });
  await sendWelcomes(client, v1());
  const [welcome] = await welcomesOf(client, bytes(1));
  const { messages } = await query(client, 1);
  expect(messages).toHaveLength(2);
  expect(welcome?.kind === "v1" && welcome.value.id).toBe(1n);
});

test("XND-34: the same welcome for the same installation is stored once", async () => {
  const { client } = world();
  await sendWelcomes(client, v1(), v1());
  await sendWelcomes(client, v1(), v1({ installationKey: bytes(8) }));
  expect(await welcomesOf(client, bytes(1))).toHaveLength(1);
  expect(await welcomesOf(client, bytes(8))).toHaveLength(1);
});

const bad: [string, WelcomeMessageInput[]][] = [
  ["no welcomes", []],
  ["a welcome without version", [{ kind: "unset" }]],
  ["a welcome for nobody", [v1({ installationKey: none })]],
  ["a welcome without data", [v1({ data: none })]],
  ["a welcome without HPKE key", [v1({ hpkePublicKey: none })]],
  ["a pointer for nobody", [pointer({ installationKey: none })]],
  ["an empty pointer", [pointer({ welcomePointer: none })]],
  ["a pointer without HPKE key", [pointer({ hpkePublicKey: none })]],
  ["a pointer of algorithm 1", [pointer({ wrapperAlgorithm: 1 })]],
];
for (const [what, messages] of bad) {
  test(`XND-36: ${what} is refused, and nothing of the request is stored`, async () => {
    const { client } = world();
    const request = messages.length === 0 ? messages : [v1(), ...messages];
    await expect(sendWelcomes(client, ...request)).rejects.toMatchObject(refused);
    expect(await welcomesOf(client, bytes(1))).toEqual([]);
  });
}

test("XND-39: a subscription brings history and what comes, of both kinds", async () => {
  const { client } = world();
  await sendWelcomes(client, v1());
  const stream = client.serverStream(
    mls.subscribeWelcomeMessages,
    SubscribeWelcomeMessagesRequest.encode({
      filters: [{ installationKey: bytes(1), idCursor: 0n }],
    }),
  );
  expect(await stream.opened).toMatchObject({ subscribed: "true" });
  await sendWelcomes(client, v1({ installationKey: bytes(2) }), pointer());
  const kinds: string[] = [];
  for await (const message of stream) {
    kinds.push(WelcomeMessage.decode(message).kind);
    if (kinds.length === 2) break;
  }
  expect(kinds).toEqual(["v1", "welcomePointer"]);
});

test("XND-39: no filters, or one for nobody, is refused", async () => {
  const { client } = world();
  const nobody = SubscribeWelcomeMessagesRequest.encode({
    filters: [{ installationKey: none, idCursor: 0n }],
  });
  for (const request of [none, nobody]) {
    const stream = client.serverStream(mls.subscribeWelcomeMessages, request);
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject(refused);
  }
});
