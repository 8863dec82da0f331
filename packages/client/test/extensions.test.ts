import { fromHex, toHex, toUtf8 } from "@coterie/base";
import { adminOnlyPolicy, defaultPolicy, dmPolicy, samePolicySet } from "@coterie/policy";
import { expect, test } from "vitest";
import {
  decodeFacts,
  decodeImmutableMetadata,
  decodeMembership,
  decodeMutableMetadata,
  decodePermissions,
  encodeImmutableMetadata,
  encodeMembership,
  encodeMutableMetadata,
  encodePermissions,
  replaceExtensions,
  requiredCapabilities,
} from "../src/engine/extensions.ts";
import { leafCapabilities, leafExtensions } from "../src/engine/profile.ts";

const inbox = "45915bad9a857a62ceed43a7573d3eef87966c96961128c520dc1c5d6fa5d38b";
const other = "1b814a0b4a7d3871d695ac17439012c3809f3bdcb4d4ea8726a5b3a8df569893";

test("XGC-20: immutable metadata has an inner length prefix, as in the worked example", () => {
  const { type, data } = encodeImmutableMetadata({
    conversationType: "group",
    creatorInboxId: inbox,
  });
  expect(type).toBe(0xf000);
  expect(toHex(data)).toBe(`404408011a40${toHex(toUtf8(inbox))}`);
  expect(decodeImmutableMetadata(data)).toEqual({
    conversationType: "group",
    creatorInboxId: inbox,
  });
});

test("XDM-01: the members of a DM survive, the creator first", () => {
  const value = {
    conversationType: "dm" as const,
    creatorInboxId: inbox,
    dmMembers: [inbox, other] as const,
  };
  expect(decodeImmutableMetadata(encodeImmutableMetadata(value).data)).toEqual(value);
});

test("XGC-21: both admin lists are written although empty, and their absence is an error", () => {
  const { data } = encodeMutableMetadata({ attributes: new Map(), admins: [], superAdmins: [] });
  expect(toHex(data)).toBe("12001a00");
  for (const missing of ["1200", "1a00", ""]) {
    expect(() => decodeMutableMetadata(fromHex(missing))).toThrow(
      expect.objectContaining({ code: "client/bad-group-context" }),
    );
  }
});

test("XGC-22, trap 21: membership keeps 64-bit ids", () => {
  const value = {
    members: new Map([
      [inbox, 0n],
      [other, 2n ** 63n],
    ]),
    failedInstallations: new Set(["ab".repeat(32)]),
  };
  expect(decodeMembership(encodeMembership(value).data)).toEqual(value);
});

test("XGC-23: the default preset reads from the bytes of the specification and has their length", () => {
  const hex =
    "0ad1010a020801120208031a100a0a67726f75705f6e616d65120208011a110a0b6465736372697074696f6e120208011a1c0a1667726f75705f696d6167655f75726c5f737175617265120208011a1f0a196d6573736167655f6469736170706561725f66726f6d5f6e73120208031a1d0a176d6573736167655f6469736170706561725f696e5f6e73120208031a280a226d696e696d756d5f737570706f727465645f70726f746f636f6c5f76657273696f6e120208041a0e0a086170705f6461746112020801220208032a02080332020803";
  expect(samePolicySet(decodePermissions(fromHex(hex)), defaultPolicy)).toBe(true);
  const { data } = encodePermissions(defaultPolicy);
  expect(data.length).toBe(212);
  // The map may come in any order; our presets write the order of the example.
  expect(toHex(data)).toHaveLength(hex.length);
  for (const policy of [defaultPolicy, adminOnlyPolicy, dmPolicy]) {
    expect(samePolicySet(decodePermissions(encodePermissions(policy).data), policy)).toBe(true);
  }
});

test("XGC-24, XKP-03, XKP-04: required capabilities, application id and leaf capabilities", () => {
  expect(toHex(requiredCapabilities().data)).toBe("0cff01ff00ff02f000000a0001020007020001");
  expect(toHex(leafExtensions(inbox)[0]?.data as Uint8Array)).toBe(`4040${toHex(toUtf8(inbox))}`);
  expect(leafCapabilities.extensions).toEqual([
    10, 1, 0xf000, 0xff02, 0xff00, 0xff01, 0xff03, 0xff04,
  ]);
  expect(leafCapabilities.proposals).toEqual([7]);
});

test("XGC-35: a replaced list keeps every other extension byte for byte and in its place", () => {
  const before = [
    { type: 0x1234, data: new Uint8Array([1, 2, 3]) },
    { type: 0xff00, data: new Uint8Array([4]) },
    { type: 0xff01, data: new Uint8Array([5]) },
  ];
  const after = replaceExtensions(before, [{ type: 0xff00, data: new Uint8Array([9, 9]) }]);
  expect(after.map(({ type }) => type)).toEqual([0x1234, 0xff00, 0xff01]);
  expect(after[0]?.data).toBe(before[0]?.data);
  expect(after[1]?.data).toEqual(new Uint8Array([9, 9]));
});

const context = [
  encodeImmutableMetadata({ conversationType: "group", creatorInboxId: inbox }),
  encodeMutableMetadata({
    attributes: new Map([
      ["group_name", "stairs"],
      ["__proto__", "inert"],
    ]),
    admins: [other],
    superAdmins: [inbox],
  }),
  encodeMembership({ members: new Map([[inbox, 7n]]), failedInstallations: new Set() }),
  encodePermissions(defaultPolicy),
];

test("XGC-36, A35: facts read in any order of extensions; keys never reach a prototype", () => {
  const facts = decodeFacts(context.toReversed());
  expect(facts.metadata.attributes.get("__proto__")).toBe("inert");
  expect(({} as Record<string, unknown>)["inert"]).toBeUndefined();
  expect(facts.membership.members.get(inbox)).toBe(7n);
  expect(facts.proposalMode).toBe(false);
  const mode = decodeFacts([...context, { type: 6, data: new Uint8Array(0) }]);
  expect(mode.proposalMode).toBe(true);
});

test("damaged extensions are a typed error or a value, cut at every byte and changed at random", () => {
  let seed = 1;
  const random = (): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return seed / 2 ** 32;
  };
  const read = (at: number, data: Uint8Array): void => {
    const extensions = context.map((extension, i) =>
      i === at ? { ...extension, data } : extension,
    );
    try {
      decodeFacts(extensions);
    } catch (error) {
      expect(error).toMatchObject({ code: "client/bad-group-context", disposition: "reject" });
    }
  };
  for (const [at, { data }] of context.entries()) {
    for (let cut = 0; cut < data.length; cut++) read(at, data.subarray(0, cut));
    for (let i = 0; i < 1_000; i++) {
      const copy = data.slice();
      copy[Math.floor(random() * copy.length)] = Math.floor(random() * 256);
      read(at, copy);
    }
  }
});
