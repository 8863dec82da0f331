import { concat, fromHex, toHex } from "@coterie/base";
import { expect, test } from "vitest";
import {
  ContentTypeId,
  EncodedContent,
  Empty,
  GroupMembership,
  GroupMessage,
  GroupMessageV1,
  GroupMetadataV1,
  GroupMutableMetadataV1,
  GroupMutablePermissionsV1,
  MembershipPolicy,
  MlsCredential,
  PagingInfo,
  SignedPublicKey,
  WireError,
  limits,
} from "../src/index.ts";

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
  return "none";
}

const malformed = (act: () => unknown) => expect(codeOf(act)).toBe("wire/malformed");

test("XPU-10: EncodedContent of a text message, byte for byte", () => {
  const bytes = EncodedContent.encode(
    EncodedContent.create({
      type: ContentTypeId.create({ authorityId: "xmtp.org", typeId: "text", versionMajor: 1 }),
      parameters: new Map([["encoding", "UTF-8"]]),
      content: new TextEncoder().encode("hello"),
    }),
  );
  expect(toHex(bytes)).toBe(
    "0a120a08786d74702e6f7267120474657874180112110a08656e636f64696e6712055554462d38220568656c6c6f",
  );
});

test("XGC-20: metadata of a group, without the prefix that belongs to MLS", () => {
  const creatorInboxId = "45915bad9a857a62ceed43a7573d3eef87966c96961128c520dc1c5d6fa5d38b";
  const bytes = GroupMetadataV1.encode(
    GroupMetadataV1.create({ conversationType: 1, creatorInboxId }),
  );
  expect(bytes.length).toBe(0x44);
  expect(toHex(bytes.subarray(0, 4))).toBe("08011a40");
  expect(GroupMetadataV1.decode(bytes)).toEqual({
    conversationType: 1,
    creatorAccountAddress: "",
    creatorInboxId,
  });
});

test("XGC-21: both admin lists are written even when empty, and their absence is an error", () => {
  const bytes = GroupMutableMetadataV1.encode(GroupMutableMetadataV1.create());
  expect(toHex(bytes)).toBe("12001a00");
  expect(GroupMutableMetadataV1.decode(bytes).adminList.inboxIds).toEqual([]);
  for (const partial of ["", "1200", "1a00"]) {
    expect(codeOf(() => GroupMutableMetadataV1.decode(fromHex(partial)))).toBe(
      "wire/missing-field",
    );
  }
});

test("XGC-23: the default preset of 212 bytes reads as stated and encodes back", () => {
  const hex =
    "0ad1010a020801120208031a100a0a67726f75705f6e616d65120208011a110a0b6465736372697074696f6e120208011a1c0a1667726f75705f696d6167655f75726c5f737175617265120208011a1f0a196d6573736167655f6469736170706561725f66726f6d5f6e73120208031a1d0a176d6573736167655f6469736170706561725f696e5f6e73120208031a280a226d696e696d756d5f737570706f727465645f70726f746f636f6c5f76657273696f6e120208041a0e0a086170705f6461746112020801220208032a02080332020803";
  const preset = GroupMutablePermissionsV1.decode(fromHex(hex));
  expect(fromHex(hex).length).toBe(212);
  const base = (value: number) => ({ kind: "base", value });
  expect(preset.policies).toEqual({
    addMemberPolicy: base(1),
    removeMemberPolicy: base(3),
    updateMetadataPolicy: new Map([
      ["group_name", base(1)],
      ["description", base(1)],
      ["group_image_url_square", base(1)],
      ["message_disappear_from_ns", base(3)],
      ["message_disappear_in_ns", base(3)],
      ["minimum_supported_protocol_version", base(4)],
      ["app_data", base(1)],
    ]),
    addAdminPolicy: base(3),
    removeAdminPolicy: base(3),
    updatePermissionsPolicy: base(3),
  });
  expect(toHex(GroupMutablePermissionsV1.encode(preset))).toBe(hex);
});

test("XGC-11: a credential takes 66 bytes", () => {
  const bytes = MlsCredential.encode({ inboxId: "ab".repeat(32) });
  expect(bytes.length).toBe(66);
  expect(toHex(bytes.subarray(0, 2))).toBe("0a40");
});

test("64-bit numbers are bigint to the last bit, and zero is left off", () => {
  for (const id of [
    1n,
    127n,
    128n,
    2n ** 32n - 1n,
    2n ** 32n,
    2n ** 49n - 1n,
    2n ** 49n,
    2n ** 53n + 1n,
    2n ** 63n,
    2n ** 64n - 1n,
  ]) {
    const bytes = GroupMessage.encode({ kind: "v1", value: GroupMessageV1.create({ id }) });
    expect(GroupMessage.decode(bytes)).toMatchObject({ value: { id } });
  }
  expect(PagingInfo.encode({ direction: 0, limit: 0, idCursor: 0n }).length).toBe(0);
  for (const idCursor of [-1n, 2n ** 64n, 5 as unknown as bigint]) {
    expect(codeOf(() => PagingInfo.encode({ direction: 0, limit: 0, idCursor }))).toBe(
      "wire/bad-value",
    );
  }
});

test("a oneof that nobody knows reads as unset, and a later member replaces an earlier one", () => {
  expect(GroupMessage.decode(new Uint8Array())).toEqual({ kind: "unset" });
  expect(GroupMessage.decode(fromHex("7a0101"))).toEqual({ kind: "unset" });
  expect(MembershipPolicy.decode(fromHex("12000801"))).toEqual({ kind: "base", value: 1 });
});

test("a message that comes in two parts is merged, as protobuf demands", () => {
  const bytes = fromHex("0a0208050a0310ff01");
  expect(GroupMessage.decode(bytes)).toMatchObject({ value: { id: 5n, createdNs: 255n } });
});

test("enum numbers that are not known are kept", () => {
  const metadata = GroupMetadataV1.create({ conversationType: 77 });
  expect(GroupMetadataV1.decode(GroupMetadataV1.encode(metadata)).conversationType).toBe(77);
});

test("A35: a map key named __proto__ is a key like any other", () => {
  const attributes = new Map([
    ["__proto__", "polluted"],
    ["constructor", "x"],
    ["", ""],
  ]);
  const back = GroupMutableMetadataV1.decode(
    GroupMutableMetadataV1.encode(GroupMutableMetadataV1.create({ attributes })),
  );
  expect([...back.attributes]).toEqual([...attributes]);
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

test("a map entry without key or value has the defaults, and the last of two equal keys stands", () => {
  expect([...GroupMembership.decode(fromHex("0a00")).members]).toEqual([["", 0n]]);
  expect([...GroupMembership.decode(fromHex("0a050a016110010a050a01611002")).members]).toEqual([
    ["a", 2n],
  ]);
});

test("nested policies are read to a depth of 100 messages and no further", () => {
  // Each level is a policy around a condition: two messages.
  const nest = (levels: number): MembershipPolicy => {
    let policy: MembershipPolicy = { kind: "base", value: 1 };
    for (let i = 0; i < levels; i++)
      policy = { kind: "andCondition", value: { policies: [policy] } };
    return policy;
  };
  const fits = MembershipPolicy.encode(nest(50));
  expect(MembershipPolicy.encode(MembershipPolicy.decode(fits))).toEqual(fits);
  expect(codeOf(() => MembershipPolicy.encode(nest(51)))).toBe("wire/bad-value");
  expect(codeOf(() => MembershipPolicy.encode(nest(20_000)))).toBe("wire/bad-value");
  // The deepest legal one, wrapped once more by hand.
  const wrap = (field: number, inner: Uint8Array) =>
    concat(Uint8Array.of(field, (inner.length & 127) | 128, inner.length >>> 7), inner);
  malformed(() => MembershipPolicy.decode(wrap(0x12, wrap(0x0a, fits))));
  // Groups inside unknown fields count too.
  malformed(() => Empty.decode(new Uint8Array(100_000).fill(0x0b)));
});

test("bytes above the limit are refused before they are looked at", () => {
  expect(codeOf(() => Empty.decode(new Uint8Array(11), { maxBytes: 10 }))).toBe("wire/too-large");
  expect(codeOf(() => Empty.decode(new Uint8Array(limits.requestBytes + 1)))).toBe(
    "wire/too-large",
  );
});

test("text that is not UTF-8 is malformed", () => {
  malformed(() => MlsCredential.decode(fromHex("0a02c328")));
  malformed(() => MlsCredential.decode(fromHex("0a03eda080")));
});

test.each([
  ["field number zero", "0001"],
  ["wire type 6", "0e"],
  ["tag above 32 bits", "888080808001"],
  ["known field in another wire type", "0801"],
  ["length beyond the end", "0a05ab"],
  ["length of 2^35", "0a808080808001"],
  ["group that ends unopened", "0c"],
  ["group that ends as another", "131c"],
  ["group that never ends", "13"],
  ["cut inside a varint", "1080"],
  ["varint of eleven bytes", "10ffffffffffffffffffff01"],
  ["varint above 64 bits", "10ffffffffffffffffff02"],
  ["cut fixed64", "1101"],
  ["cut fixed32", "1501"],
])("malformed: %s", (_, hex) => {
  malformed(() => MlsCredential.decode(fromHex(hex)));
});

test("a message that runs over its end is malformed", () => {
  malformed(() => SignedPublicKey.decode(fromHex("12030a0500")));
});

test("decoded bytes are copies of the input", () => {
  const input = SignedPublicKey.encode({ keyBytes: Uint8Array.of(1, 2, 3) });
  const value = SignedPublicKey.decode(input);
  input.fill(0);
  expect([...value.keyBytes]).toEqual([1, 2, 3]);
});

test("callers without types get wire/bad-value, never a TypeError", () => {
  const bad = [{}, { inboxId: 5 }, { inboxId: null }, null];
  for (const value of bad) {
    expect(codeOf(() => MlsCredential.encode(value as unknown as MlsCredential))).toMatch(
      /none|bad-value/,
    );
  }
  expect(codeOf(() => GroupMessage.encode({ kind: "v9" } as unknown as GroupMessage))).toBe(
    "wire/bad-value",
  );
  expect(codeOf(() => ContentTypeId.encode(ContentTypeId.create({ versionMajor: -1 })))).toBe(
    "wire/bad-value",
  );
});
