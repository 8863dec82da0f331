import { fromHex, toHex, toUtf8 } from "@coterie/base";
import fc from "fast-check";
import { expect, test } from "vitest";
import { WireError } from "../src/index.ts";
import {
  decodeSlimName,
  encodeSlimName,
  formatSlimName,
  formatSlimService,
  headerIntegrityAad,
  headerMacPreimage,
  keepEncoding,
  LinkConnectionType,
  Message,
  moveSlimHeader,
  Name,
  parseSlimName,
  peekSlimHeader,
  peekSlimMessage,
  replaceSlimHeader,
  restampSlimHeader,
  sameSlimName,
  slimAppId,
  slimChannelIds,
  slimName,
} from "../src/slim/index.ts";
import type { SLIMHeader } from "../src/slim/index.ts";
import { ordinaryAppId, ordinaryChannelId } from "../src/slim/name.ts";
import { xxh3 } from "../src/slim/xxh3.ts";

const hex = (value: bigint | undefined): string => (value ?? -1n).toString(16).padStart(32, "0");

/** Length, digest with seed 0, digest with seed 1; the input's byte i is 131 i + 7 length. From another implementation. */
const digests: readonly (readonly [number, string, string])[] = [
  [0, "99aa06d3014798d86001c324468d497f", "d9265cc53bb2b9ae6131b78f753823cd"],
  [1, "495b62073ef70ca44c5cca45d0f4811f", "5ccf3ae472ecd5ef0a187bf012eca100"],
  [2, "8d13e1b1910f332bcd32887c1142aecb", "18880c3e1f2e8e8e25c1f1fa911e29bc"],
  [3, "a1133eba062de886de31dc6f857de05c", "f026fb7cca7ad2ada721a315cfb94388"],
  [4, "aa6226643c203c0eeedab1ebcbcaee9d", "5c6a2bcfe298f382f839a43bba6cbe39"],
  [7, "d76a0e8166f65504cefb4ddef75f1cc8", "809fc41977b56e40903be8745f8b0ee0"],
  [8, "28342f3cfdc54fbfdee9fb2d71b51aa7", "830b755376284d6cba789a35bc5f005b"],
  [9, "e19f57772c80d53cb2d1bafcd8c2bf97", "0d746fab0a4fc91527311a78ec1fd02a"],
  [15, "a5f80918a4ef61754c57060a009117ab", "ed660c47cba670129112c2b51cfc8d74"],
  [16, "c67f8d4dc236d40eedd038c749d805da", "c9b2584de4a21deba8f4ebc1c91ef148"],
  [17, "0169e48eb78211d1ae01eff7866f4ae5", "76b4d3709d9c45f37f638aee93076986"],
  [31, "a7dc4f157deb624a428445f2b12436c5", "4610937b279e41e108781fb7fdf217e3"],
  [32, "88fa9c7b0959ded04917378d6380ec99", "6711e935b81701785cf63990f290398a"],
  [33, "356030543764f03638dc587162c31436", "d138119b5f2fcf858956df57dbd9a7c2"],
  [64, "3af797a43244687f377e51e1df9dd4ec", "fa53cf79004d191fa0237c6ace7d4c53"],
  [65, "21a6b477d20a7bae1f72e81aace6306c", "9c2222e3bec12c3d24646096f93960c2"],
  [100, "b811d6d2508431f7603e6682582d46bb", "a8a60c240578ad27cb84d3dd85223dcd"],
  [128, "e77a7ad746f899280027fee5b316f5e3", "cb25db1b89c5860e9a2db638d6c77ca1"],
  [129, "ee5c618e636df0303d543b6160dcb175", "915a132bf482f04cc4766ef8e8e26443"],
  [160, "e40463aedf799070316c9342f710b46c", "009bb0cd8bd271c953ad3879a3074ee0"],
  [200, "3800af0e8d7f315c480a0644f244f4f2", "8fc84d3afda3bda2b4143d2d3968806a"],
  [240, "e819610f616272ec2d2253ecbbb6c6fc", "3204a885c4dac7faef6f992fead0ada0"],
  [241, "d8397601244a873b4bddf45e258b6299", "1a48c458961a78443c6c44aec5e8e372"],
  [256, "b997d11012dfe96d266a2c816cbb31c5", "d11dd4214d4f7b4afa8d72e6b29d47c8"],
  [300, "e0e51c6eb35fac5bf572dea85b88e8f1", "1af6e18498eb04028f10aad5c79fd835"],
  [1023, "fad1a6876befef6bf2ca2e0f5a21fcf1", "01af799fee8e33e4ffe2e2e8e1bb9ab7"],
  [1024, "4fc91d9d8c936539bd7c43cd9a89cb69", "ccb8343e26bcfe8ea849dd3d5fc9b5e2"],
  [1025, "621af7b8277effa466c4487c41e127a7", "49fe1396a574f5001a123faa74e9cd4b"],
  [1500, "c59d51e9a46fa2820510038816d13881", "0058bf8e03a656d3fce467687b2838fd"],
];

test.each(digests)("XXH3 of %i bytes is what others compute", (length, zero, one) => {
  const input = Uint8Array.from({ length }, (_, i) => i * 131 + length * 7);
  const joined = ({ high, low }: { high: bigint; low: bigint }) => hex((high << 64n) | low);
  expect(joined(xxh3(input))).toBe(zero);
  expect(joined(xxh3(input, 1n))).toBe(one);
});

test.each([
  ["agntcy", "169ca82eb17d6bc2"],
  ["ns", "eef9769a4c6990d1"],
  ["chat", "4abb367236cabc2a"],
  ["moderator", "fc9bbc406957794b"],
  ["client-1", "58ec40d7c837e0b9"],
  ["alice", "7b90bc8fa5b6b182"],
  ["bob", "49ae1b437ae573c4"],
])("SNM-01: the hash of %s", (component, hash) => {
  const { name } = encodeSlimName(slimName(component, "ns", component));
  expect(name?.component0.toString(16)).toBe(hash);
  expect(name?.component2).toBe(name?.component0);
});

test("SNM-04, SNM-05, SNM-06: ids of apps and channels, the same each time", () => {
  expect(hex(slimAppId("agntcy/ns/alice_AbCd1234"))).toBe("b772ae0c6931ee8dc5130d062b1fedd9");
  expect(hex(slimAppId("agntcy/ns/bob_Zz09xY12"))).toBe("0fa0d22cd27708a48dda0441cf8447fc");
  const { data, control } = slimChannelIds(
    "agntcy/ns/alice_AbCd1234",
    slimName("agntcy", "ns", "chat"),
  );
  expect(hex(data)).toBe("1d055f30b1685005466d6f340b414ccf");
  expect(hex(control)).toBe("c5700fbc0aa83f04472f4166981dd595");
});

test("SNM-03: no id is one of the last fifty before NULL, nor NULL", () => {
  const nullId = 2n ** 128n - 1n;
  expect(ordinaryAppId(nullId - 51n)).toBe(nullId - 51n);
  expect(ordinaryChannelId(nullId - 51n)).toBe(nullId - 51n);
  for (let n = 0n; n <= 50n; n += 1n) {
    expect(ordinaryAppId(nullId - 50n + n)).toBe(n);
    // 0 is none of a channel's
    expect(ordinaryChannelId(nullId - 50n + n)).toBe(n + 2n);
  }
});

test("SNM-02, SNM-07: NULL is written, and so are the strings; absent is read as NULL", () => {
  const { name, strName } = encodeSlimName(slimName("agntcy", "ns", "bob"));
  expect(name?.nameId).toEqual({ id0: 2n ** 64n - 1n, id1: 2n ** 64n - 1n });
  expect(strName).toEqual({
    strComponent0: "agntcy",
    strComponent1: "ns",
    strComponent2: "bob",
  });
  const bare = { name: { ...name, nameId: undefined } as never, strName };
  expect(decodeSlimName(bare).id).toBeUndefined();
});

test("SNM-09: text and back", () => {
  const id = 0xb772ae0c_6931_ee8d_c513_0d062b1fedd9n;
  const text = "agntcy/ns/alice/b772ae0c-6931-ee8d-c513-0d062b1fedd9";
  expect(parseSlimName(text)).toEqual(slimName("agntcy", "ns", "alice", id));
  expect(formatSlimName(slimName("agntcy", "ns", "alice", id))).toBe(text);
  expect(parseSlimName(" agntcy / ns / alice ")).toEqual(slimName("agntcy", "ns", "alice"));
  expect(formatSlimName(parseSlimName("agntcy/ns/alice/NULL_COMPONENT"))).toBe(
    "agntcy/ns/alice/NULL_COMPONENT",
  );
  expect(formatSlimService(parseSlimName(text))).toBe("agntcy/ns/alice");
});

test.each([
  "",
  "a/b",
  "a//c",
  "a/b/c/d/e",
  "a/b/c/nothing",
  "a/b/c/ffffffff-ffff-ffff-ffff-ffffffffffff",
  "a/b/\ud800",
  `a/b/${"x".repeat(256)}`,
])("SNM-09, SNM-11: %j is no name", (text) => {
  expect(() => parseSlimName(text)).toThrow(expect.objectContaining({ code: "wire/bad-name" }));
});

test("SNM-08: equal names, and hashes that disagree with their strings", () => {
  const alice = slimName("agntcy", "ns", "alice", 5n);
  expect(sameSlimName(alice, { ...alice })).toBe(true);
  expect(sameSlimName(alice, { ...alice, id: undefined })).toBe(false);
  const wire = encodeSlimName(alice);
  expect(decodeSlimName(wire)).toEqual(alice);
  const forged = { ...wire, strName: encodeSlimName(slimName("agntcy", "ns", "bob")).strName };
  expect(() => decodeSlimName(forged)).toThrow(expect.objectContaining({ code: "wire/bad-name" }));
  expect(() => decodeSlimName({ name: wire.name })).toThrow(
    expect.objectContaining({ code: "wire/missing-field" }),
  );
});

const alice = slimName("agntcy", "ns", "alice", slimAppId("agntcy/ns/alice_AbCd1234"));
const header = (more: Partial<SLIMHeader> = {}): SLIMHeader => ({
  source: encodeSlimName(alice),
  destination: encodeSlimName(slimName("agntcy", "ns", "bob")),
  identity: "id-token",
  fanout: 1,
  version: "",
  ttl: 8,
  ...more,
});
const publish = (more: Partial<SLIMHeader> = {}): Uint8Array =>
  Message.encode({
    metadata: new Map([["a", "b"]]),
    messageType: {
      kind: "publish",
      value: {
        header: header(more),
        session: { sessionType: 2, sessionMessageType: 1, sessionId: 7, messageId: 9 },
        msg: { kind: "appPayload", value: { payloadType: "msg", blob: Uint8Array.of(1, 2, 3) } },
      },
    },
  });
const headerOf = (bytes: Uint8Array): Uint8Array => {
  const peeked = peekSlimMessage(bytes);
  if (!("header" in peeked)) throw new Error(peeked.kind);
  return bytes.subarray(peeked.header.start, peeked.header.end);
};
const linkId = "11111111-2222-4333-8444-555555555555";

test("SMC-02, SMC-03: the bytes under the MAC", () => {
  const bytes = headerOf(publish());
  const peeked = peekSlimHeader(bytes);
  const preimage = headerMacPreimage(linkId, bytes, peeked, { ttl: peeked.ttl });
  const expected =
    "534c494d2d44502d4844522d76310024000000" +
    toHex(toUtf8(linkId)) +
    "0101c26b7db12ea89c16d190694c9a76f9ee82b1b6a58fbc907b018dee31690cae72b7d9ed1f2b060d13c5" +
    "010600000061676e746379020000006e7305000000616c696365" +
    "0101c26b7db12ea89c16d190694c9a76f9eec473e57a431bae4901ffffffffffffffffffffffffffffffff" +
    "010600000061676e746379020000006e7303000000626f62" +
    "0800000069642d746f6b656e0100000000000008000000";
  expect(toHex(preimage)).toBe(expected);
  expect(preimage).toHaveLength(214);
});

test("SCN-20: the negotiation of the specification's example", () => {
  const key = fromHex("a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209");
  const bytes = Message.encode({
    metadata: new Map(),
    messageType: {
      kind: "link",
      value: {
        kind: "linkNegotiation",
        value: {
          linkId,
          slimVersion: "2.0.0",
          isReply: false,
          linkEcdhPublicKey: key,
          connectionType: LinkConnectionType.edge,
          nodeId: "n1",
          deploymentName: "",
        },
      },
    },
  });
  expect(bytes).toHaveLength(89);
  expect(toHex(bytes)).toBe(
    `2a570a550a24${toHex(toUtf8(linkId))}1205322e302e302220${toHex(key)}280232026e31`,
  );
  expect(peekSlimMessage(bytes)).toEqual({ kind: "link" });
});

test("SRT-08: peeking sees what decoding sees", () => {
  const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
  const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  const id = optional(fc.bigInt({ min: 0n, max: 2n ** 128n - 2n }));
  fc.assert(
    fc.property(
      fc.record({
        id,
        identity: fc.string(),
        fanout: u32,
        ttl: u32,
        recvFrom: optional(u64),
        forwardTo: optional(u64),
        incomingConn: optional(u64),
        error: optional(fc.boolean()),
        mac: optional(fc.uint8Array({ maxLength: 40 })),
      }),
      ({ id: destinationId, mac, ...fields }) => {
        const destination = encodeSlimName(slimName("o", "n\u00fc", "s", destinationId));
        const bytes = headerOf(publish({ ...fields, destination, headerMac: mac }));
        const peeked = peekSlimHeader(bytes);
        expect(peeked).toMatchObject({
          fanout: fields.fanout,
          ttl: fields.ttl,
          recvFrom: fields.recvFrom,
          forwardTo: fields.forwardTo,
          error: fields.error,
        });
        const text = ({ start, end }: { start: number; end: number }) =>
          new TextDecoder().decode(bytes.subarray(start, end));
        expect(text(peeked.identity)).toBe(fields.identity);
        expect(peeked.destination?.strings?.map(text)).toEqual(["o", "n\u00fc", "s"]);
        const view = new DataView(Uint8Array.from(peeked.destination?.encoded ?? []).buffer);
        expect(view.getBigUint64(24, true)).toBe(destination.name?.nameId?.id0);
        expect(view.getBigUint64(32, true)).toBe(destination.name?.nameId?.id1);
        expect(view.getBigUint64(0, true)).toBe(destination.name?.component0);
        expect(peeked.mac && [...bytes.subarray(peeked.mac.start, peeked.mac.end)]).toEqual(
          mac && [...mac],
        );
      },
    ),
    { seed: 1, numRuns: 200 },
  );
});

test("SRT-07, SRT-08: another header leaves all else as it was, unknown fields included", () => {
  const unknown = Uint8Array.of(0xa2, 0x06, 0x02, 1, 2);
  const bytes = Uint8Array.of(
    ...unknown,
    ...publish({ recvFrom: 3n, incomingConn: 4n }),
    ...unknown,
  );
  const peeked = peekSlimMessage(bytes);
  if (!("header" in peeked)) throw new Error(peeked.kind);
  const head = headerOf(bytes);
  const mac = new Uint8Array(32).fill(9);
  const sent = replaceSlimHeader(
    bytes,
    peeked,
    restampSlimHeader(head, peekSlimHeader(head), { ttl: 300, mac }),
  );
  expect(moveSlimHeader(bytes, peeked, head)).toBeUndefined(); // something stands before the body
  expect(sent.subarray(0, 5)).toEqual(unknown);
  expect(sent.subarray(-5)).toEqual(unknown);
  const before = Message.decode(bytes);
  const after = Message.decode(sent);
  if (before.messageType.kind !== "publish" || after.messageType.kind !== "publish")
    throw new Error();
  expect(after.metadata).toEqual(before.metadata);
  expect(after.messageType.value).toEqual({
    ...before.messageType.value,
    header: { ...header(), ttl: 300, headerMac: mac },
  });
});

test("SRT-08: a header that is not longer is exchanged where it stands, with the same outcome", () => {
  const blob = Uint8Array.from({ length: 300 }, (_, i) => i);
  for (const more of [{}, { incomingConn: 4n }, { incomingConn: 2n ** 60n, recvFrom: 3n }]) {
    for (const ttl of [7, 300]) {
      const bytes = publish({ ...more, headerMac: new Uint8Array(32), identity: toHex(blob) });
      const peeked = peekSlimMessage(bytes);
      if (!("header" in peeked)) throw new Error(peeked.kind);
      const head = headerOf(bytes);
      const hop = { ttl, mac: new Uint8Array(32).fill(9) };
      const stamped = restampSlimHeader(head, peekSlimHeader(head), hop);
      const copied = replaceSlimHeader(bytes, peeked, stamped);
      const before = Uint8Array.from(bytes);
      const moved = moveSlimHeader(bytes, peeked, stamped);
      if (stamped.length > head.length) {
        expect(moved).toBeUndefined();
        expect(bytes).toEqual(before);
      } else {
        expect(moved).toEqual(copied);
        expect(moved?.buffer).toBe(bytes.buffer);
      }
    }
  }
});

test("SRT-09: truncated, mutated and random bytes give a WireError or a header", () => {
  const survives = (bytes: Uint8Array): void => {
    try {
      const peeked = peekSlimMessage(bytes);
      if (!("header" in peeked)) return;
      const head = bytes.subarray(peeked.header.start, peeked.header.end);
      const fields = peekSlimHeader(head);
      headerMacPreimage(linkId, head, fields, fields);
      const stamped = restampSlimHeader(head, fields, { ttl: 3, mac: new Uint8Array(32) });
      const sent = replaceSlimHeader(bytes, peeked, stamped);
      expect(peekSlimHeader(headerOf(sent)).ttl).toBe(3);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
    }
  };
  const whole = publish({ headerMac: new Uint8Array(32), recvFrom: 3n });
  for (let length = 0; length < whole.length; length += 1) survives(whole.subarray(0, length));
  let state = 7;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  for (let round = 0; round < 2000; round += 1) {
    const bytes = Uint8Array.from(whole);
    for (let flips = 1 + random(4); flips > 0; flips -= 1)
      bytes[random(bytes.length)] = random(256);
    survives(bytes);
    survives(Uint8Array.from({ length: random(80) }, () => random(256)));
  }
});

test("SRT-09: what comes twice is malformed", () => {
  const bytes = publish();
  for (const twice of [Uint8Array.of(...bytes, ...bytes), new Uint8Array(0)]) {
    expect(() => peekSlimMessage(twice)).toThrow(
      expect.objectContaining({ code: "wire/malformed" }),
    );
  }
});

test("SSN-07: a name that is encoded once says the same in every message, and cannot change", () => {
  const name = keepEncoding(Name, encodeSlimName(parseSlimName("agntcy/ns/alice")));
  const fresh = encodeSlimName(parseSlimName("agntcy/ns/alice"));
  const session = { sessionType: 2, sessionMessageType: 1, sessionId: 7, messageId: 1 };
  const aad = (source: Name): Uint8Array =>
    headerIntegrityAad({ source, destination: fresh, identity: "t" }, session, "msg");
  expect(aad(name)).toEqual(aad(fresh));
  expect(() => Object.assign(name.strName ?? {}, { strComponent0: "other" })).toThrow(TypeError);
});
