import { toHex } from "@coterie/base";
import { opensslProvider } from "@coterie/crypto/openssl";
import { expect, test } from "vitest";
import { senderDataKey } from "../src/protect.ts";
import { keyAt, newRatchet, nextKey } from "../src/ratchet.ts";
import type { MessageKey, Ratchet } from "../src/ratchet.ts";
import { createSecretTree, findRatchet, secretsOf, withRatchet } from "../src/secret-tree.ts";
import type { RatchetKind, SecretTree } from "../src/secret-tree.ts";
import { casesOf, hex, noVectors, report, suiteOf } from "./vectors.ts";

const crypto = opensslProvider;
const suite = suiteOf(3);
const limits = { maxForwardRatchet: 1_000, outOfOrderWindow: 5 };
const secret = new Uint8Array(32).fill(7);

interface Generation {
  readonly generation: number;
  readonly application_key: string;
  readonly application_nonce: string;
  readonly handshake_key: string;
  readonly handshake_nonce: string;
}
interface SecretTreeCase {
  readonly cipher_suite: number;
  readonly encryption_secret: string;
  readonly sender_data: {
    readonly sender_data_secret: string;
    readonly ciphertext: string;
    readonly key: string;
    readonly nonce: string;
  };
  readonly leaves: readonly (readonly Generation[])[];
}

test.skipIf(noVectors)(
  "RFC 9420 §9: keys and nonces of every leaf and generation",
  { timeout: 300_000 },
  () => {
    const cases = casesOf<SecretTreeCase>("secret-tree");
    for (const given of cases) {
      const suiteHere = suiteOf(given.cipher_suite);
      const { sender_data_secret, ciphertext, key, nonce } = given.sender_data;
      const sender = senderDataKey(crypto, suiteHere, hex(sender_data_secret), hex(ciphertext));
      expect([toHex(sender.key), toHex(sender.nonce)]).toEqual([key, nonce]);
      let leafCount = 1;
      while (leafCount < given.leaves.length) leafCount *= 2;
      let tree = createSecretTree(hex(given.encryption_secret), leafCount);
      const take = (leaf: number, kind: RatchetKind, generation: number): MessageKey => {
        const found = findRatchet(crypto, suiteHere, tree, leaf, kind);
        const step = keyAt(crypto, suiteHere, found.ratchet, generation, limits);
        tree = withRatchet(found.tree, leaf, kind, step.ratchet);
        return step.key;
      };
      for (const [leaf, generations] of given.leaves.entries()) {
        for (const expected of generations) {
          const application = take(leaf, "application", expected.generation);
          const handshake = take(leaf, "handshake", expected.generation);
          expect([
            toHex(application.key),
            toHex(application.nonce),
            toHex(handshake.key),
            toHex(handshake.nonce),
          ]).toEqual([
            expected.application_key,
            expected.application_nonce,
            expected.handshake_key,
            expected.handshake_nonce,
          ]);
        }
      }
    }
    report("secret-tree", cases.length);
  },
);

test("RFC 9420 §9.2: the secrets on the way to a sender are gone once it was derived, its siblings stay", () => {
  const before = createSecretTree(secret, 8);
  const first = findRatchet(crypto, suite, before, 5, "application");
  // Of a tree of eight: one sibling on each of the three levels, and the two ratchets.
  expect(secretsOf(first.tree)).toHaveLength(5);
  expect(first.spent).toHaveLength(4);
  for (const consumed of first.spent) expect(secretsOf(first.tree)).not.toContain(consumed);
  const again = findRatchet(crypto, suite, first.tree, 5, "handshake");
  expect(again.tree).toBe(first.tree);
  expect(again.spent).toEqual([]);
});

test("RFC 9420 §9.2: a key is used once, and its secret is gone with it", () => {
  const step = nextKey(crypto, suite, newRatchet(secret));
  expect(step.ratchet.next).toBe(1);
  expect(step.spent).toContain(secret);
  expect(() => keyAt(crypto, suite, step.ratchet, 0, limits)).toThrow(
    expect.objectContaining({ code: "mls/key-consumed" }),
  );
});

test("RFC 9420 §15.3: late messages open within the window of 5 and not beyond", () => {
  let ratchet: Ratchet = keyAt(crypto, suite, newRatchet(secret), 9, limits).ratchet;
  expect(ratchet.skipped.map(({ generation }) => generation)).toEqual([5, 6, 7, 8]);
  ratchet = keyAt(crypto, suite, ratchet, 5, limits).ratchet;
  expect(ratchet.skipped.map(({ generation }) => generation)).toEqual([6, 7, 8]);
  expect(() => keyAt(crypto, suite, ratchet, 5, limits)).toThrow(
    expect.objectContaining({ code: "mls/key-consumed" }),
  );
  expect(() => keyAt(crypto, suite, ratchet, 4, limits)).toThrow(
    expect.objectContaining({ code: "mls/generation-too-old" }),
  );
  const moved = keyAt(crypto, suite, ratchet, 12, limits);
  expect(moved.ratchet.skipped.map(({ generation }) => generation)).toEqual([8, 10, 11]);
  const late = keyAt(crypto, suite, moved.ratchet, 10, limits).key;
  const straight = keyAt(crypto, suite, newRatchet(secret), 10, limits).key;
  expect(toHex(late.key)).toBe(toHex(straight.key));
});

test("a generation too far ahead is refused before anything is derived", () => {
  let derived = 0;
  const counting = {
    ...crypto,
    hkdfExpand: (...args: Parameters<typeof crypto.hkdfExpand>) => {
      derived++;
      return crypto.hkdfExpand(...args);
    },
  };
  const ratchet = newRatchet(secret);
  for (const generation of [1_001, 0x7fffffff, 0xfffffffe, 0xffffffff]) {
    expect(() => keyAt(counting, suite, ratchet, generation, limits)).toThrow(
      expect.objectContaining({ code: "mls/generation-too-far" }),
    );
  }
  const unlimited = { maxForwardRatchet: 2 ** 53, outOfOrderWindow: 5 };
  expect(() => keyAt(counting, suite, ratchet, 0xffffffff, unlimited)).toThrow();
  expect(derived).toBe(0);
  expect(keyAt(crypto, suite, ratchet, 1_000, limits).key.generation).toBe(1_000);
});

test("the counter of a ratchet never wraps", () => {
  const ratchet: Ratchet = { next: 0xffffffff, secret, skipped: [] };
  expect(() => nextKey(crypto, suite, ratchet)).toThrow(
    expect.objectContaining({ code: "mls/ratchet-exhausted" }),
  );
});

test("values: moving one ratchet leaves the tree it came from as it was", () => {
  const before: SecretTree = createSecretTree(secret, 4);
  const found = findRatchet(crypto, suite, before, 2, "application");
  const step = nextKey(crypto, suite, found.ratchet);
  const after = withRatchet(found.tree, 2, "application", step.ratchet);
  expect(before.root).toEqual({ kind: "secret", secret });
  expect(findRatchet(crypto, suite, found.tree, 2, "application").ratchet.next).toBe(0);
  expect(findRatchet(crypto, suite, after, 2, "application").ratchet.next).toBe(1);
});
