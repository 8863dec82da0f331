import { toHex, toUtf8 } from "@coterie/base";
import { opensslProvider as crypto } from "@coterie/crypto/openssl";
import { LinkConnectionType, Message, slimPaths } from "@coterie/wire/slim";
import { expect, test, vi } from "vitest";
import { acceptLink } from "../src/link.ts";
import {
  connect,
  header,
  offer,
  plane,
  publish,
  subscribe,
  subscribed,
  textOf,
  unsubscribe,
} from "./world.ts";

const id = (digit: string): string => `${digit.repeat(8)}-0000-4000-8000-000000000000`;
const alice = `agntcy/ns/alice/${id("a")}`;
const bob = `agntcy/ns/bob/${id("b")}`;
const carol = `agntcy/ns/carol/${id("c")}`;
const own = { crypto, nodeId: "n", deploymentName: "d", version: "2.2.0+ts.1" };

test("SCN-23: the link key of the specification's example", () => {
  const privateKey = new Uint8Array(32).fill(2);
  const fixed = {
    ...crypto,
    generateDh: () => ({ privateKey, publicKey: crypto.dhPublicKey("x25519", privateKey) }),
    dh: crypto.dh,
    hkdfExtract: crypto.hkdfExtract,
    hkdfExpand: crypto.hkdfExpand,
  };
  const { link } = acceptLink(
    { ...own, crypto: fixed },
    offer({ linkId: "11111111-2222-4333-8444-555555555555" }),
  );
  expect(toHex(link.key)).toBe("0ec926c083279dbe7ca40d9b0a21fdc9335b7c95e0fed3c739b532cdbd338616");
});

test("SCN-24: with an encapsulation key both secrets make the link key", () => {
  const seed = new Uint8Array(64).fill(3);
  const { link, reply: answer } = acceptLink(
    own,
    offer({ linkKemPayload: crypto.mlKem768PublicKey(seed) }),
  );
  const reply = Message.decode(answer).messageType;
  if (reply.kind !== "link" || reply.value.kind !== "linkNegotiation") throw new Error(reply.kind);
  const { linkEcdhPublicKey, linkKemPayload, isReply } = reply.value.value;
  expect([isReply, linkKemPayload?.length]).toEqual([true, 1088]);
  const shared = crypto.dh("x25519", new Uint8Array(32).fill(1), linkEcdhPublicKey);
  const kem = crypto.mlKem768Decapsulate(seed, linkKemPayload as Uint8Array);
  const prk = crypto.hkdfExtract("sha256", toUtf8("link-1"), Uint8Array.of(...shared, ...kem));
  const info = toUtf8("SLIM-DP-inter-node-hmac-v1-pq");
  expect(link.key).toEqual(crypto.hkdfExpand("sha256", prk, info, 32));
});

test.each([
  ["no Link", publish(header(alice, bob)), 3],
  ["nothing", new Uint8Array(0), 3],
  ["not protobuf", Uint8Array.of(0xff, 0xff), 3],
  ["a reply", offer({ isReply: true }), 3],
  ["an empty link id", offer({ linkId: "" }), 3],
  ["no version", offer({ slimVersion: "two" }), 3],
  ["a short key (SCN-22)", offer({ linkEcdhPublicKey: new Uint8Array(31) }), 3],
  ["a key of low order", offer({ linkEcdhPublicKey: new Uint8Array(32) }), 3],
  ["a short encapsulation key", offer({ linkKemPayload: new Uint8Array(10) }), 3],
  ["itself", offer({ connectionType: LinkConnectionType.peer, nodeId: "n" }), 7],
  ["a stranger", offer({ connectionType: LinkConnectionType.peer, deploymentName: "e" }), 7],
])("SCN-21, SCN-26: %s as the first message is refused", (_, first, status) => {
  expect(() => acceptLink(own, first)).toThrow(expect.objectContaining({ status }));
});

test("SCN-21: who says nothing is not waited for", async () => {
  const { transport } = plane({ negotiationMs: 20 });
  const duplex = transport.duplex(slimPaths.openChannel);
  await expect(duplex[Symbol.asyncIterator]().next()).rejects.toMatchObject({ status: 4 });
});

test("SRT-02, SRT-03: one receiver, a group of them, and nobody", async () => {
  const world = plane();
  const [a, b, c] = await Promise.all([alice, bob, carol].map((name) => subscribed(world, name)));
  if (!a || !b || !c) throw new Error();
  const channel = `agntcy/ns/chat/${id("d")}`;
  for (const [app, name] of [
    [b, bob],
    [c, carol],
  ] as const) {
    await app.send(subscribe(header(name, channel), 9n));
    await app.next();
  }
  await a.send(publish(header(alice, "agntcy/ns/nobody"), "lost"));
  await a.send(publish(header(alice, bob), "to bob"));
  await a.send(publish(header(alice, channel, { fanout: 256 }), "to all"));
  expect([textOf(await b.next()), textOf(await b.next())]).toEqual(["to bob", "to all"]);
  expect(textOf(await c.next())).toBe("to all");
  expect(world.metrics.render()).toContain('coterie_slim_dropped_total{reason="no-route"} 1');
});

test("SRT-02: a long header is routed each time it comes", async () => {
  const world = plane();
  const [a, b] = [await subscribed(world, alice), await subscribed(world, bob)];
  const long = header(alice, bob, { identity: "t".repeat(8192) });
  for (const text of ["one", "two", "three"]) {
    await a.send(publish(long, text));
    expect(textOf(await b.next())).toBe(text);
  }
});

test("SRT-07, SMC-05: a hop counts ttl down, signs anew, and takes off what was the last hop's", async () => {
  const world = plane();
  const a = await subscribed(world, alice);
  const b = await subscribed(world, bob);
  const more = { recvFrom: 1n, forwardTo: 2n, incomingConn: 3n, e2eHeaderSig: toUtf8("sig") };
  await a.send(publish(header(alice, bob, more)));
  const { messageType, metadata } = await b.next();
  if (messageType.kind !== "publish") throw new Error(messageType.kind);
  const { header: got } = messageType.value;
  expect(got).toMatchObject({ ttl: 7, identity: "token", version: "2.0.0", fanout: 1 });
  expect([got?.recvFrom, got?.forwardTo, got?.incomingConn]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(got?.e2eHeaderSig).toEqual(toUtf8("sig"));
  expect(metadata.get("k")).toBe("v");
});

test("SMC-06, SMC-07: a wrong or absent MAC is dropped, and the connection goes on", async () => {
  const world = plane();
  const a = await subscribed(world, alice);
  const b = await subscribed(world, bob);
  await a.send(publish(header(alice, bob), "forged"), new Uint8Array(32));
  await a.duplex.send(publish(header(alice, bob), "unsigned"));
  await a.duplex.send(subscribe(header(alice, bob), 5n));
  await a.send(publish(header(alice, bob), "signed"));
  expect(textOf(await b.next())).toBe("signed");
  expect(world.metrics.render()).toContain('coterie_slim_dropped_total{reason="mac"} 3');
});

test("SCN-30: a message whose ttl is used up goes nowhere", async () => {
  const world = plane();
  const a = await subscribed(world, alice);
  const b = await subscribed(world, bob);
  for (const ttl of [0, 1]) await a.send(publish(header(alice, bob, { ttl }), "dead"));
  await a.send(publish(header(alice, bob, { ttl: 2 }), "last hop"));
  expect(textOf(await b.next())).toBe("last hop");
});

test("SRT-09, SRT-06, SND-03, SCN-25: what has no destination, no session or no sense is dropped and counted", async () => {
  const world = plane();
  const a = await subscribed(world, alice);
  const b = await subscribed(world, bob);
  await a.duplex.send(Uint8Array.of(1, 2, 3));
  await a.send(publish(header(alice, bob, { destination: undefined })));
  await a.send(publish(header(alice, bob, { source: undefined })));
  await a.send(
    Message.encode({
      metadata: new Map(),
      messageType: { kind: "publish", value: { header: header(alice, bob) } },
    }),
  );
  await a.duplex.send(offer()); // SCN-25
  await a.send(publish(header(alice, bob), "fine"));
  expect(textOf(await b.next())).toBe("fine");
  expect(world.metrics.render()).toContain('coterie_slim_dropped_total{reason="malformed"} 4');
  expect(world.metrics.render()).toContain('coterie_slim_dropped_total{reason="unexpected"} 1');
});

test("SCN-32, SCN-33: subscriptions are acknowledged, and taken back by their id", async () => {
  const world = plane({ subscriptions: 2 });
  const a = await subscribed(world, alice);
  const ask = async (bytes: Uint8Array) => {
    await a.send(bytes);
    const { messageType } = await a.next();
    if (messageType.kind !== "subscriptionAck") throw new Error(messageType.kind);
    return [
      messageType.value.subscriptionId,
      messageType.value.success,
      messageType.value.error,
    ] as const;
  };
  expect(await ask(subscribe(header(alice, bob), 5n))).toEqual([5n, true, ""]);
  expect(await ask(subscribe(header(alice, bob), 5n))).toEqual([5n, true, ""]);
  expect(await ask(subscribe(header(alice, carol), 5n))).toEqual([
    5n,
    false,
    "subscription id in use",
  ]);
  expect(await ask(subscribe(header(alice, carol), 6n))).toEqual([
    6n,
    false,
    "too many subscriptions",
  ]);
  expect(await ask(unsubscribe(header(alice, bob), 7n))).toEqual([
    7n,
    false,
    "subscription id not found: 7",
  ]);
  expect(await ask(unsubscribe(header(alice, carol), 8n))).toEqual([
    8n,
    false,
    "subscription not found",
  ]);
  expect(await ask(unsubscribe(header(alice, bob), 5n))).toEqual([5n, true, ""]);
  expect(world.stats().names).toBe(1);
});

test("SCN-12: a subscription repeated under id 0 is taken back under its old id", async () => {
  const world = plane();
  const a = await connect(world);
  await a.send(subscribe(header(alice, alice), 0n));
  await a.send(unsubscribe(header(alice, alice), 44n));
  const { messageType } = await a.next();
  expect(messageType).toMatchObject({ value: { subscriptionId: 44n, success: true } });
  expect(world.stats().names).toBe(0);
});

test("SRT-10: under the id 0 several names stand side by side, and count as any other", async () => {
  const world = plane({ subscriptions: 3 });
  const a = await connect(world);
  for (const name of [alice, bob]) await a.send(subscribe(header(alice, name), 0n));
  await a.send(unsubscribe(header(alice, alice), 44n));
  expect((await a.next()).messageType).toMatchObject({ value: { success: true } });
  expect(world.stats().names).toBe(1);
  for (const name of [alice, carol]) await a.send(subscribe(header(alice, name), 0n));
  await a.send(subscribe(header(alice, "agntcy/ns/dave"), 9n));
  expect((await a.next()).messageType).toMatchObject({
    value: { success: false, error: "too many subscriptions" },
  });
  expect(world.stats().names).toBe(3);
});

test("SCN-35: when a connection ends its names are gone, and the others go on", async () => {
  const world = plane();
  const a = await subscribed(world, alice);
  const b = await subscribed(world, bob);
  expect(world.stats()).toEqual({ connections: 2, names: 2 });
  b.duplex.end();
  await vi.waitFor(() => expect(world.stats()).toEqual({ connections: 1, names: 1 }));
  await a.send(publish(header(alice, bob)));
  await a.send(publish(header(alice, alice)));
  await a.send(subscribe(header(alice, carol), 3n));
  expect((await a.next()).messageType.kind).toBe("subscriptionAck");
});

test("SCN-05: a reader that stalls slows its sender, then is cut; nothing piles up", async () => {
  const world = plane({ messages: 4, stalledMs: 150 });
  const a = await subscribed(world, alice);
  await subscribed(world, bob); // reads no more
  const big = "x".repeat(200_000);
  const sending = (async () => {
    for (let n = 0; n < 40; n += 1) await a.send(publish(header(alice, bob), big));
  })();
  await vi.waitFor(() => expect(world.stats().connections).toBe(1), { timeout: 5000 });
  await sending;
  await a.send(subscribe(header(alice, carol), 3n));
  expect((await a.next()).messageType.kind).toBe("subscriptionAck");
});

test("a node that stops ends its connections", async () => {
  const world = plane();
  const a = await subscribed(world, alice);
  world.dataPlane.close();
  await expect(a.next()).rejects.toMatchObject({ status: 14 });
});
