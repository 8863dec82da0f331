import { fromHex } from "@coterie/base";
import { cipherSuites, CryptoError } from "@coterie/crypto";
import type { CipherSuite } from "@coterie/crypto";
import { nobleProvider } from "@coterie/crypto/noble";
import { opensslProvider } from "@coterie/crypto/openssl";
import { expect, test } from "vitest";
import { isDhKey } from "../src/dh-key.ts";
import { createKeyPackage, verifyKeyPackage } from "../src/index.ts";
import { signLeaf } from "../src/create-key-package.ts";
import { encodeWith } from "../src/codec.ts";
import { signWithLabel } from "../src/crypto-labels.ts";
import { writeKeyPackageTbs } from "../src/key-package.ts";
import { capabilities } from "./world.ts";

const providers = [nobleProvider, opensslProvider];
const suite = (id: number): CipherSuite => cipherSuites.get(id) as CipherSuite;

const p25519 = 2n ** 255n - 19n;
const p448 = 2n ** 448n - 2n ** 224n - 1n;

function little(value: bigint, length: number): Uint8Array {
  return fromHex(value.toString(16).padStart(2 * length, "0")).toReversed();
}

const order8 = [
  0x00b8495f16056286fdb1329ceb8d09da6ac49ff1fae35616aeb8413b7c7aebe0n,
  0x57119fd0dd4e22d8868e1c58c45c44045bef839c55b1d0b1248c50a3bc959c5fn,
];

/** Keys at and around every edge, of low order or not. */
const edges: readonly (readonly [suiteId: number, key: Uint8Array])[] = [
  ...[
    0n,
    1n,
    2n,
    9n,
    ...order8,
    p25519 - 1n,
    p25519,
    p25519 + 1n,
    p25519 + 2n,
    2n ** 255n - 1n,
  ].flatMap((u) => [u, u + 2n ** 255n].map((value) => [3, little(value, 32)] as const)),
  ...[0n, 1n, 2n, 5n, p448 - 2n, p448 - 1n, p448, p448 + 1n, p448 + 2n, 2n ** 448n - 1n].map(
    (u) => [6, little(u, 56)] as const,
  ),
];

test("MLS-07: a key is refused from its bytes exactly where every provider refuses to agree with it", () => {
  let refused = 0;
  for (const [suiteId, key] of edges) {
    const { dh } = suite(suiteId);
    const usable = isDhKey(suite(suiteId), key);
    if (!usable) refused++;
    for (const crypto of providers) {
      const own = crypto.generateDh(dh);
      const agree = (): Uint8Array => crypto.dh(dh, own.privateKey, key);
      if (usable) expect(agree()).toHaveLength(key.length);
      else expect(agree).toThrow(CryptoError);
    }
  }
  expect(refused).toBe(7 * 2 + 5);
});

test("MLS-06, MLS-07: a P-256 key is an uncompressed point on the curve, for every provider", () => {
  const good = opensslProvider.generateDh("p256").publicKey;
  const bent = good.with(64, (good[64] as number) ^ 1);
  const none = new Uint8Array(65).with(0, 4);
  expect(isDhKey(suite(2), good)).toBe(true);
  const bad = [bent, none, good.with(0, 6), new Uint8Array(65).fill(255).with(0, 4)];
  for (const key of bad) {
    expect(isDhKey(suite(2), key)).toBe(false);
    for (const crypto of providers) {
      const own = crypto.generateDh("p256");
      expect(() => crypto.dh("p256", own.privateKey, key)).toThrow(CryptoError);
    }
  }
  for (const [suiteId, length] of [
    [1, 33],
    [2, 33],
    [5, 66],
    [7, 48],
  ] as const) {
    expect(isDhKey(suite(suiteId), new Uint8Array(length).fill(4))).toBe(false);
  }
});

for (const crypto of providers) {
  test(`MLS-07: key packages with an init or encryption key of low order are refused, ${crypto.name}`, () => {
    const low = new Uint8Array(32).with(0, 1);
    const cipherSuite = suite(3);
    const signer = crypto.generateSigner("ed25519");
    const { keyPackage } = createKeyPackage({
      crypto,
      cipherSuite,
      signer,
      credential: { kind: "basic", identity: new Uint8Array(1) },
      capabilities,
      lifetime: { notBefore: 0n, notAfter: 1n },
    });
    const resigned = (initKey: Uint8Array, encryptionKey: Uint8Array) => {
      const leaf = { ...keyPackage.leafNode, encryptionKey };
      const leafNode = signLeaf({ crypto, suite: cipherSuite, signer, leaf, place: undefined });
      const unsigned = { ...keyPackage, initKey, leafNode };
      const tbs = encodeWith(writeKeyPackageTbs, unsigned);
      const key = signer.privateKey;
      const signature = signWithLabel(crypto, cipherSuite, key, "KeyPackageTBS", tbs);
      return () => verifyKeyPackage({ crypto, keyPackage: { ...unsigned, signature } });
    };
    const { initKey, leafNode } = keyPackage;
    expect(resigned(initKey, leafNode.encryptionKey)).not.toThrow();
    expect(resigned(low, leafNode.encryptionKey)).toThrow(
      expect.objectContaining({ code: "mls/bad-key-package", details: { why: "init-key" } }),
    );
    expect(resigned(initKey, low)).toThrow(
      expect.objectContaining({ code: "mls/bad-leaf", details: { why: "encryption-key" } }),
    );
  });
}
