import { expect, test } from "vitest";
import { createOpensslProvider } from "@coterie/crypto/openssl";
import { createLru } from "../src/strict/lru.ts";

test("MLS-08: the cache is bounded and forgets what was used longest ago", () => {
  const cache = createLru<number>(2);
  cache.set("a", 1);
  cache.set("b", 2);
  expect(cache.get("a")).toBe(1);
  cache.set("c", 3);
  expect([cache.get("a"), cache.get("b"), cache.get("c")]).toEqual([1, undefined, 3]);
  cache.set("a", 4);
  expect([cache.get("a"), cache.size]).toEqual([4, 2]);
});

test("MLS-08: a provider that forgets its keys gives the same answers", () => {
  const crypto = createOpensslProvider({ cachedKeys: 2 });
  const signers = Array.from({ length: 8 }, () => crypto.generateSigner("ed25519"));
  const message = Uint8Array.of(1);
  for (let round = 0; round < 3; round++) {
    for (const { privateKey, publicKey } of signers) {
      const signature = crypto.sign("ed25519", privateKey, message);
      expect(crypto.verify("ed25519", publicKey, message, signature)).toBe(true);
      expect(crypto.dhPublicKey("x25519", privateKey).length).toBe(32);
    }
  }
});
