import { toUtf8 } from "@coterie/base";
import { opensslProvider } from "@coterie/crypto/openssl";
import { expect, test } from "vitest";
import {
  createKeyPackage,
  keyPackageRef,
  signLeaf,
  verifyKeyPackage,
} from "../src/create-key-package.ts";
import { signWithLabel } from "../src/crypto-labels.ts";
import { encodeWith } from "../src/codec.ts";
import { decodeKeyPackage, writeKeyPackageTbs } from "../src/key-package.ts";
import { encodeRequiredCapabilities } from "../src/required-capabilities.ts";
import type { Extension, KeyPackage, UnsignedKeyPackage, UnsignedLeafNode } from "../src/types.ts";
import { validateLeaf } from "../src/validate-leaf.ts";
import { suiteOf } from "./vectors.ts";
import { capabilities, person } from "./world.ts";

const crypto = opensslProvider;
const suite = suiteOf(3);
const groupId = toUtf8("rules");
const alice = person(crypto, suite, "alice");
const { signer } = alice;
const base = alice.keyPackage;

const refused = (code: string, details: Record<string, unknown> = {}): unknown =>
  expect.objectContaining({ code, details: expect.objectContaining(details) });

/** A key package signed as it is, whatever it holds: the checks of `createKeyPackage` are not in the way. */
function forged(
  change: Partial<UnsignedKeyPackage>,
  leafChange: Partial<UnsignedLeafNode> = {},
): KeyPackage {
  const leaf = { ...base.leafNode, ...leafChange };
  const lenient = { ...leaf, capabilities: { ...leaf.capabilities } };
  const leafNode =
    "extensions" in leafChange ||
    "capabilities" in leafChange ||
    "credential" in leafChange ||
    leafChange.source?.kind !== undefined
      ? lenient
      : signLeaf({ crypto, suite, signer, leaf, place: undefined });
  const unsigned = { ...base, leafNode, ...change };
  const tbs = encodeWith(writeKeyPackageTbs, unsigned);
  return {
    ...unsigned,
    signature: signWithLabel(crypto, suite, signer.privateKey, "KeyPackageTBS", tbs),
  };
}

const verify = (
  keyPackage: KeyPackage,
  extensions?: readonly Extension[],
  nowSeconds?: bigint,
): void => verifyKeyPackage({ crypto, keyPackage, cipherSuite: suite, extensions, nowSeconds });

test("RFC 9420 §10: a key package that was made is valid, also after a round trip", () => {
  verify(base);
  verify(decodeKeyPackage(alice.bytes));
  expect(keyPackageRef(crypto, base)).toEqual(keyPackageRef(crypto, decodeKeyPackage(alice.bytes)));
});

test("RFC 9420 §10.1: version, suite, keys and signature of a key package are checked", () => {
  expect(() => verify(forged({ version: 2 }))).toThrowError(
    refused("mls/bad-key-package", { why: "version" }),
  );
  expect(() => verify(forged({ cipherSuite: 1 }))).toThrowError(
    refused("mls/bad-key-package", { why: "cipher-suite" }),
  );
  expect(() => verify(forged({ cipherSuite: 99 }))).toThrowError(refused("mls/unsupported-suite"));
  expect(() => verify(forged({ initKey: new Uint8Array(31) }))).toThrowError(
    refused("mls/bad-key-package", { why: "init-key" }),
  );
  expect(() => verify(forged({ initKey: base.leafNode.encryptionKey }))).toThrowError(
    refused("mls/bad-key-package", { why: "same-key" }),
  );
  expect(() =>
    verify({ ...base, initKey: base.initKey.with(0, 1 ^ (base.initKey[0] ?? 0)) }),
  ).toThrowError(refused("mls/bad-signature", { what: "key-package" }));
});

test("RFC 9420 §7.3: the leaf's own signature is checked as well", () => {
  const keyPackage = forged({
    leafNode: { ...base.leafNode, encryptionKey: base.leafNode.encryptionKey.with(0, 0) },
  });
  expect(() => verify(keyPackage)).toThrowError(refused("mls/bad-signature", { what: "leaf" }));
});

test("RFC 9420 §7.3: the source has to fit the place", () => {
  const place = { groupId, leafIndex: 0 };
  const update = signLeaf({
    crypto,
    suite,
    signer,
    place,
    leaf: { ...base.leafNode, source: { kind: "update" } },
  });
  expect(() =>
    validateLeaf({ crypto, suite, leaf: update, place: { kind: "key-package" } }),
  ).toThrowError(refused("mls/bad-leaf", { why: "source" }));
  expect(() =>
    validateLeaf({
      crypto,
      suite,
      leaf: base.leafNode,
      place: { kind: "update", ...place, replaces: undefined },
    }),
  ).toThrowError(refused("mls/bad-leaf", { why: "source" }));
  expect(() =>
    validateLeaf({
      crypto,
      suite,
      leaf: update,
      place: { kind: "commit", ...place, replaces: undefined },
    }),
  ).toThrowError(refused("mls/bad-leaf", { why: "source" }));
  validateLeaf({
    crypto,
    suite,
    leaf: update,
    place: { kind: "update", ...place, replaces: undefined },
  });
});

test("RFC 9420 §7.3: an update brings a new encryption key", () => {
  const place = { groupId, leafIndex: 0 };
  const leaf = signLeaf({
    crypto,
    suite,
    signer,
    place,
    leaf: { ...base.leafNode, source: { kind: "update" } },
  });
  expect(() =>
    validateLeaf({
      crypto,
      suite,
      leaf,
      place: { kind: "update", ...place, replaces: base.leafNode },
    }),
  ).toThrowError(refused("mls/bad-leaf", { why: "same-key" }));
});

test("RFC 9420 §7.2: the signature of an update covers group and leaf index", () => {
  const place = { groupId, leafIndex: 4 };
  const leaf = signLeaf({
    crypto,
    suite,
    signer,
    place,
    leaf: { ...base.leafNode, source: { kind: "update" } },
  });
  validateLeaf({ crypto, suite, leaf, place: { kind: "tree", ...place } });
  for (const other of [
    { groupId, leafIndex: 5 },
    { groupId: toUtf8("other"), leafIndex: 4 },
  ]) {
    expect(() =>
      validateLeaf({ crypto, suite, leaf, place: { kind: "tree", ...other } }),
    ).toThrowError(refused("mls/bad-signature"));
  }
});

test("RFC 9420 §7.3: keys of the wrong size are refused", () => {
  const place = { kind: "key-package" } as const;
  const short = { ...base.leafNode, encryptionKey: new Uint8Array(33) };
  expect(() => validateLeaf({ crypto, suite, leaf: short, place })).toThrowError(
    refused("mls/bad-leaf", { why: "encryption-key" }),
  );
  const long = { ...base.leafNode, signatureKey: new Uint8Array(65) };
  expect(() => validateLeaf({ crypto, suite, leaf: long, place })).toThrowError(
    refused("mls/bad-leaf", { why: "signature-key" }),
  );
});

test("RFC 9420 §7.2: capabilities cover the leaf's own extensions and credential", () => {
  const extension = { type: 0xff07, data: new Uint8Array(0) };
  expect(() => verify(forged({}, { extensions: [extension] }))).toThrowError(
    refused("mls/unsupported", { what: "extension", type: 0xff07 }),
  );
  expect(() => verify(forged({ extensions: [extension] }))).toThrowError(
    refused("mls/unsupported", { what: "extension", type: 0xff07 }),
  );
  const credential = { kind: "x509", certificates: [] } as const;
  expect(() => verify(forged({}, { credential }))).toThrowError(
    refused("mls/unsupported", { what: "credential", type: 2 }),
  );
});

test("RFC 9420 §7.2: what nobody could accept is not made in the first place", () => {
  const lifetime = { notBefore: 0n, notAfter: 1n };
  const input = {
    crypto,
    cipherSuite: suite,
    signer,
    credential: base.leafNode.credential,
    capabilities,
    lifetime,
  };
  const extension = { type: 0xff07, data: new Uint8Array(0) };
  expect(() => createKeyPackage({ ...input, extensions: [extension] })).toThrowError(
    refused("mls/unsupported"),
  );
  expect(() => createKeyPackage({ ...input, leafExtensions: [extension] })).toThrowError(
    refused("mls/unsupported"),
  );
  expect(() =>
    createKeyPackage({ ...input, capabilities: { ...capabilities, credentials: [] } }),
  ).toThrowError(refused("mls/unsupported"));
  expect(() =>
    createKeyPackage({
      ...input,
      leafExtensions: [
        { ...extension, type: 1 },
        { ...extension, type: 1 },
      ],
    }),
  ).toThrowError(refused("mls/duplicate-extension"));
});

test("RFC 9420 §13.4: two extensions of a type are refused", () => {
  const twice = [1, 1].map((type) => ({ type, data: new Uint8Array(0) }));
  expect(() => verify(forged({ extensions: twice }))).toThrowError(
    refused("mls/duplicate-extension", { type: 1 }),
  );
  expect(() => verify(forged({}, { extensions: twice }))).toThrowError(
    refused("mls/duplicate-extension", { type: 1 }),
  );
});

test("RFC 9420 §7.2: default types need no listing but may be listed, unknown numbers are nobody's business", () => {
  const data = new Uint8Array(1);
  verify(person(crypto, suite, "a", { leafExtensions: [{ type: 1, data }] }).keyPackage);
  const lists = {
    extensions: [1, 3, 0x0a0a],
    proposals: [7, 0x1a1a],
    credentials: [1, 0x2a2a],
    cipherSuites: [3, 0x3a3a],
  };
  const { bytes } = person(crypto, suite, "b", { capabilities: lists });
  const read = decodeKeyPackage(bytes);
  verify(read);
  expect(read.leafNode.capabilities).toEqual({ ...capabilities, ...lists });
});

test("RFC 9420 §11.1: required capabilities and extensions of the group have to be supported", () => {
  const context = (
    lists: Partial<Parameters<typeof encodeRequiredCapabilities>[0]>,
  ): Extension[] => [
    {
      type: 3,
      data: encodeRequiredCapabilities({
        extensions: [],
        proposals: [],
        credentials: [],
        ...lists,
      }),
    },
  ];
  verify(base, context({ extensions: [1, 5], proposals: [1, 7], credentials: [1] }));
  expect(() => verify(base, context({ extensions: [0xff01] }))).toThrowError(
    refused("mls/unsupported", { what: "extension", type: 0xff01 }),
  );
  expect(() => verify(base, context({ proposals: [8] }))).toThrowError(
    refused("mls/unsupported", { what: "proposal", type: 8 }),
  );
  expect(() => verify(base, context({ credentials: [2] }))).toThrowError(
    refused("mls/unsupported", { what: "credential", type: 2 }),
  );
  expect(() => verify(base, [{ type: 0xff02, data: new Uint8Array(0) }])).toThrowError(
    refused("mls/unsupported", { what: "extension", type: 0xff02 }),
  );
  expect(() => verify(base, [{ type: 3, data: Uint8Array.of(1) }])).toThrowError(
    refused("mls/truncated"),
  );
});

test("RFC 9420 §7.3: the lifetime is looked at when a time is given", () => {
  const lifetime = { notBefore: 100n, notAfter: 200n };
  const { keyPackage } = createKeyPackage({
    crypto,
    cipherSuite: suite,
    signer,
    credential: base.leafNode.credential,
    capabilities,
    lifetime,
  });
  verify(keyPackage);
  verify(keyPackage, [], 100n);
  verify(keyPackage, [], 200n);
  for (const now of [99n, 201n])
    expect(() => verify(keyPackage, [], now)).toThrowError(refused("mls/bad-lifetime"));
});
