import { expect, test } from "vitest";
import { cipherSuites, generateKeyPair, hpkeOpen, hpkeSeal, xWingKeyPair } from "../src/index.ts";
import { nobleProvider } from "../src/noble.ts";
import { noble25519Provider as small } from "../src/noble-25519.ts";

const message = new TextEncoder().encode("as in the other provider");

test.each([1, 3])(
  "suite %i: what one provider seals and signs the other opens and accepts",
  (id) => {
    const suite = cipherSuites.get(id)!;
    for (const [a, b] of [
      [small, nobleProvider],
      [nobleProvider, small],
    ] as const) {
      const pair = generateKeyPair(a, suite);
      const what = { suite, info: message, aad: message };
      const sealed = hpkeSeal({
        ...what,
        crypto: b,
        publicKey: pair.publicKey,
        plaintext: message,
      });
      expect(hpkeOpen({ ...what, ...pair, ...sealed, crypto: a })).toEqual(message);
      const signer = a.generateSigner(suite.signature);
      const signature = a.sign(suite.signature, signer.privateKey, message);
      expect(b.verify(suite.signature, signer.publicKey, message, signature)).toBe(true);
      const other = signature.with(5, (signature[5] as number) ^ 1);
      expect(b.verify(suite.signature, signer.publicKey, message, other)).toBe(false);
    }
    const context = message.subarray(0, 5);
    const signer = small.generateSigner("ed25519");
    const hashed = small.ed25519phSign(signer.privateKey, message, context);
    expect(nobleProvider.ed25519phVerify(signer.publicKey, message, context, hashed)).toBe(true);
    expect(small.ed25519phVerify(signer.publicKey, message, context, hashed)).toBe(true);
    expect(small.hash(suite.hash, message)).toEqual(nobleProvider.hash(suite.hash, message));
  },
);

test("what is not there is refused by its code, and verification is no exception: false would be a verdict", () => {
  const p256 = nobleProvider.generateSigner("p256");
  const signature = nobleProvider.sign("p256", p256.privateKey, message);
  const digest = new Uint8Array(32).fill(1);
  const compact = nobleProvider.secp256k1Sign(digest, digest).subarray(0, 64);
  for (const ask of [
    () => small.verify("p256", p256.publicKey, message, signature),
    () => small.sign("p256", p256.privateKey, message),
    () => small.generateSigner("p256"),
    () => small.generateDh("x448"),
    () => small.dh("p256", p256.privateKey, p256.publicKey),
    () => small.secp256k1PublicKey(digest),
    () => small.secp256k1Sign(digest, digest),
    () => small.secp256k1Recover(digest, compact, 0),
    () => small.keccak256(message),
    () => small.sha3_256(message),
    () => small.shake256(message, 32),
    () => xWingKeyPair(small, digest),
    () => small.mlKem768PublicKey(new Uint8Array(64)),
    () => small.mlKem768Encapsulate(new Uint8Array(1184)),
    () => small.mlKem768Decapsulate(new Uint8Array(64), new Uint8Array(1088)),
  ]) {
    expect(ask).toThrowError(expect.objectContaining({ code: "crypto/unsupported" }));
  }
});
