import { fromHex, toHex } from "@coterie/base";
import { xWingDecapsulate, xWingEncapsulate, xWingKeyPair } from "@coterie/crypto";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { expect, test } from "vitest";
import { data, outcome, providers } from "./support.ts";

interface XWingVector {
  readonly seed: string;
  readonly eseed: string;
  readonly publicKeySha256: string;
  readonly encSha256: string;
  readonly sharedSecret: string;
}

const vectors = data<{ cases: readonly XWingVector[] }>("x-wing").cases;

for (const crypto of providers) {
  test.each(vectors)(`XWL-01: X-Wing draft 06, ${crypto.name}: $seed`, (vector) => {
    const digest = (bytes: Uint8Array) => toHex(crypto.hash("sha256", bytes));
    const seed = fromHex(vector.seed);
    const { publicKey, privateKey } = xWingKeyPair(crypto, seed);
    expect(privateKey).toEqual(seed);
    expect(digest(publicKey)).toBe(vector.publicKeySha256);

    // The randomness of the vector takes the place of the provider's.
    const eseed = fromHex(vector.eseed);
    const sent = xWingEncapsulate(
      {
        ...crypto,
        mlKem768Encapsulate(key) {
          const { cipherText, sharedSecret } = ml_kem768.encapsulate(key, eseed.slice(0, 32));
          return { ciphertext: cipherText, sharedSecret };
        },
        dhEphemeral(name, key) {
          const ephemeral = eseed.slice(32);
          return {
            publicKey: crypto.dhPublicKey(name, ephemeral),
            shared: crypto.dh(name, ephemeral, key),
          };
        },
      },
      publicKey,
    );
    expect(digest(sent.enc)).toBe(vector.encSha256);
    expect(toHex(sent.sharedSecret)).toBe(vector.sharedSecret);
    expect(toHex(xWingDecapsulate(crypto, sent.enc, privateKey))).toBe(vector.sharedSecret);
  });
}

test("X-Wing secrets agree across providers and a changed enc gives another secret", () => {
  for (const from of providers) {
    for (const to of providers) {
      const { publicKey, privateKey } = xWingKeyPair(to, to.bytes(32));
      const { enc, sharedSecret } = xWingEncapsulate(from, publicKey);
      expect([publicKey.length, enc.length, sharedSecret.length]).toEqual([1216, 1120, 32]);
      expect(xWingDecapsulate(to, enc, privateKey)).toEqual(sharedSecret);
      enc[5] = (enc[5] as number) ^ 1;
      expect(xWingDecapsulate(to, enc, privateKey)).not.toEqual(sharedSecret);
      enc.fill(0, 1088);
      expect(outcome(() => xWingDecapsulate(to, enc, privateKey))).toEqual({
        code: "crypto/bad-key",
      });
    }
  }
});
