import { fromUtf8 } from "@coterie/base";
import { nobleProvider } from "@coterie/crypto/noble";
import { opensslProvider } from "@coterie/crypto/openssl";
import { createMemoryTransport, Status, StatusError } from "@coterie/transport";
import type { DuplexHandler, Transport } from "@coterie/transport";
import { encodeSlimName, LinkConnectionType, Message, slimPaths } from "@coterie/wire/slim";
import { expect, test, vi } from "vitest";
import { DataPlaneError } from "../src/errors.ts";
import { acceptLink } from "../src/link.ts";
import { alice, app, bob, publish } from "./apps.ts";
import { plane } from "./world.ts";

/** A node made of one handler. */
const nodeOf = (handle: DuplexHandler): Transport =>
  createMemoryTransport(new Map([[slimPaths.openChannel, { kind: "duplex", handle }]]));
const own = { crypto: opensslProvider, nodeId: "n", deploymentName: "", version: "2.2.0" };

test("SMC-01, SCN-32: two apps find each other, whatever their cryptography", async () => {
  const { transport } = plane();
  const a = app(transport, { crypto: nobleProvider, hybrid: true }); // SCN-24
  const b = app(transport);
  await a.connection.subscribe(alice, alice);
  await b.connection.subscribe(bob, bob);
  for (const text of ["one", "two"]) await a.connection.publish(publish(alice, bob, text));
  await vi.waitFor(() => expect(b.got).toEqual(["one", "two"]));
  await b.connection.publish(publish(bob, alice, "back"));
  await vi.waitFor(() => expect(a.got).toEqual(["back"]));
  await Promise.all([a.connection.close(), b.connection.close()]);
  expect(a.states).toEqual(["connecting", "connected", "closed"]);
});

test("SCN-11, SCN-12: a lost link comes back under its id, and the names with it", async () => {
  const world = plane();
  const linkIds: string[] = [];
  const transport: Transport = {
    ...world.transport,
    duplex(path, options) {
      const duplex = world.transport.duplex(path, options);
      return {
        ...duplex,
        [Symbol.asyncIterator]: () => duplex[Symbol.asyncIterator](),
        send(bytes) {
          const { messageType } = Message.decode(bytes);
          if (messageType.kind === "link" && messageType.value.kind === "linkNegotiation") {
            linkIds.push(messageType.value.value.linkId);
          }
          return duplex.send(bytes);
        },
      };
    },
  };
  const a = app(transport);
  const b = app(world.transport);
  await a.connection.subscribe(alice, alice);
  await b.connection.subscribe(bob, bob);
  world.transport.disconnect();
  await vi.waitFor(() => expect(a.states).toContain("waiting"));
  const sent = b.connection.publish(publish(bob, alice, "kept until the link is back"));
  await vi.waitFor(() => expect(a.states.at(-1)).toBe("connected"));
  await vi.waitFor(() => expect(world.stats().names).toBe(2));
  await sent;
  await b.connection.publish(publish(bob, alice, "again"));
  await vi.waitFor(() => expect(a.got.at(-1)).toBe("again"));
  expect(new Set(linkIds)).toEqual(new Set([a.connection.linkId]));
  expect(linkIds).toHaveLength(2);
  // SCN-33: under the id it had from the beginning
  await a.connection.unsubscribe(alice, alice);
  expect(world.stats().names).toBe(1);
});

test("SCN-11: who is refused for good does not ask again", async () => {
  let calls = 0;
  const transport = nodeOf(() => {
    calls += 1;
    throw new StatusError(Status.permissionDenied, "no");
  });
  const a = app(transport);
  await expect(a.connection.connected).rejects.toMatchObject({ status: 7 });
  await expect(a.connection.subscribe(alice, alice)).rejects.toMatchObject({
    code: "dataplane/closed",
  });
  expect([calls, a.states]).toEqual([1, ["connecting", "closed"]]);
});

test.each([
  ["another link", { linkId: "other" }],
  ["an offer", { isReply: false }],
  ["a short key (SCN-22)", { linkEcdhPublicKey: new Uint8Array(31) }],
  ["no version", { slimVersion: "two" }],
  ["a ciphertext nobody asked for", { linkKemPayload: new Uint8Array(1088) }],
])("SCN-21: %s as the answer ends the link, and the next one may be better", async (_, wrong) => {
  const transport = nodeOf(async function* (requests) {
    for await (const first of requests) {
      const { reply } = acceptLink(own, first);
      const { messageType } = Message.decode(reply);
      if (messageType.kind !== "link" || messageType.value.kind !== "linkNegotiation") return;
      const value = { ...messageType.value.value, ...wrong };
      yield Message.encode({
        metadata: new Map(),
        messageType: { kind: "link", value: { kind: "linkNegotiation", value } },
      });
    }
  });
  const codes: unknown[] = [];
  const a = app(transport, {
    onState(state) {
      if (state.kind !== "waiting") return;
      codes.push(state.error instanceof DataPlaneError ? state.error.code : state.error);
    },
  });
  await vi.waitFor(() => expect(codes.length).toBeGreaterThan(1));
  expect(new Set(codes)).toEqual(new Set(["dataplane/bad-negotiation"]));
  await a.connection.close();
});

test("SCN-32: a subscription that nobody answers ends in time", async () => {
  const transport = nodeOf(async function* (requests) {
    for await (const bytes of requests) {
      const { messageType } = Message.decode(bytes);
      if (messageType.kind === "link") yield acceptLink(own, bytes).reply;
    }
  });
  const a = app(transport, { timers: { acknowledgementMs: 20 } });
  await expect(a.connection.subscribe(alice, alice)).rejects.toMatchObject({
    code: "dataplane/timeout",
  });
  await a.connection.close();
});

test("SCN-33: the node's no, in its words", async () => {
  const { transport } = plane({ subscriptions: 1 });
  const a = app(transport);
  await a.connection.subscribe(alice, alice);
  await expect(a.connection.subscribe(bob, alice)).rejects.toMatchObject({
    code: "dataplane/subscription-refused",
    details: { reason: "too many subscriptions" },
  });
  await expect(a.connection.unsubscribe(bob, alice)).rejects.toMatchObject({
    code: "dataplane/bad-argument",
  });
  await a.connection.close();
});

test("SCN-34: whoever subscribes while handling a message gets the answer", async () => {
  const { transport } = plane();
  const a = app(transport);
  const handled: string[] = [];
  const b = app(transport, {
    async onPublish({ msg }) {
      if (msg?.kind !== "appPayload") return;
      await b.connection.subscribe(bob, alice);
      handled.push(fromUtf8(msg.value.blob));
    },
  });
  await b.connection.subscribe(bob, bob);
  await a.connection.publish(publish(alice, bob, "subscribe"));
  await vi.waitFor(() => expect(handled).toEqual(["subscribe"]));
});

test("SMC-06: what a node stamps wrongly reaches nobody", async () => {
  const forged = Message.encode({
    metadata: new Map(),
    messageType: {
      kind: "publish",
      value: {
        ...publish(bob, alice, "forged"),
        header: { ...publish(bob, alice, "").header, headerMac: new Uint8Array(32) } as never,
      },
    },
  });
  const transport = nodeOf(async function* (requests) {
    for await (const bytes of requests) {
      yield acceptLink(own, bytes).reply;
      yield forged;
      yield Uint8Array.of(1, 2, 3);
    }
  });
  const drops: string[] = [];
  const a = app(transport, { onDrop: (reason) => drops.push(reason) });
  await vi.waitFor(() => expect(drops).toEqual(["mac", "malformed"]));
  expect(a.got).toEqual([]);
  await a.connection.close();
});

test("SCN-03: a message longer than peers decode is not sent", async () => {
  const { transport } = plane();
  const a = app(transport);
  const long = "x".repeat(4 * 1024 * 1024);
  await expect(a.connection.publish(publish(alice, bob, long))).rejects.toMatchObject({
    code: "dataplane/too-large",
  });
  await a.connection.close();
});

test("SCN-05: what waits for a node that is away has a bound in size and in time", async () => {
  const transport = nodeOf(() => {
    throw new StatusError(Status.unavailable, "away");
  });
  const a = app(transport, { limits: { messages: 2, stalledMs: 20 } });
  const message = publish(alice, bob, "x");
  await a.connection.publish(message);
  await expect(a.connection.publish(message)).rejects.toMatchObject({ code: "dataplane/stalled" });
  const many = Promise.allSettled(Array.from({ length: 5 }, () => a.connection.publish(message)));
  expect((await many).every(({ status }) => status === "rejected")).toBe(true);
  await a.connection.close();
});

test("SCN-36: closing sends what is in line first", async () => {
  const { transport } = plane();
  const a = app(transport);
  const b = app(transport);
  await b.connection.subscribe(bob, bob);
  await a.connection.connected;
  for (let n = 0; n < 100; n += 1) void a.connection.publish(publish(alice, bob, String(n)));
  await a.connection.close();
  await vi.waitFor(() => expect(b.got).toHaveLength(100));
  await expect(a.connection.publish(publish(alice, bob, "late"))).rejects.toMatchObject({
    code: "dataplane/closed",
  });
  await b.connection.close();
});

test("SCN-36: nor does a node that reads no more keep one who closes", async () => {
  const { transport } = plane();
  const stuck: Transport = {
    ...transport,
    duplex(path, options) {
      const duplex = transport.duplex(path, options);
      let isFirst = true;
      return {
        ...duplex,
        [Symbol.asyncIterator]: () => duplex[Symbol.asyncIterator](),
        send(bytes) {
          if (isFirst) {
            isFirst = false;
            return duplex.send(bytes);
          }
          return new Promise((_, reject) => {
            options?.signal?.addEventListener("abort", () => reject(new Error("aborted")));
          });
        },
      };
    },
  };
  const a = app(stuck, { limits: { stalledMs: 100 } });
  await a.connection.connected;
  void a.connection.publish(publish(alice, bob, "never gone"));
  void a.connection.publish(publish(alice, bob, "nor this"));
  await a.connection.close();
  expect(a.states.at(-1)).toBe("closed");
});

test("SCN-20, SCN-27, SCN-31, SCN-32: what an app says of itself, and how it subscribes", async () => {
  const heard: Message["messageType"][] = [];
  const transport = nodeOf(async function* (requests) {
    for await (const bytes of requests) {
      const { messageType } = Message.decode(bytes);
      heard.push(messageType);
      if (messageType.kind === "link") yield acceptLink(own, bytes).reply;
      if (messageType.kind === "subscribe") {
        const { subscriptionId } = messageType.value;
        yield Message.encode({
          metadata: new Map(),
          messageType: {
            kind: "subscriptionAck",
            value: { subscriptionId, success: true, error: "" },
          },
        });
      }
    }
  });
  const nodeIds = new Set<string>();
  for (const identity of [undefined, () => "token"]) {
    const a = app(transport, { identity });
    await a.connection.subscribe(bob, alice);
    await a.connection.close();
    const [link, subscription] = heard.splice(0);
    if (link?.kind !== "link" || link.value.kind !== "linkNegotiation") throw new Error(link?.kind);
    const { nodeId, ...offer } = link.value.value;
    nodeIds.add(nodeId);
    expect(nodeId).toMatch(/^node-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(offer).toMatchObject({
      linkId: a.connection.linkId,
      isReply: false,
      connectionType: LinkConnectionType.edge,
      slimVersion: "2.2.0+ts.1",
    });
    if (subscription?.kind !== "subscribe") throw new Error(subscription?.kind);
    expect(subscription.value.subscriptionId).not.toBe(0n);
    expect(subscription.value.header).toMatchObject({
      source: encodeSlimName(alice),
      destination: encodeSlimName(bob),
      identity: identity?.() ?? "",
      fanout: 1,
      ttl: 8,
      version: "2.2.0+ts.1",
    });
  }
  expect(nodeIds.size).toBe(1);
});
