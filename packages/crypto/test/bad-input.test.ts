import { CryptoError, ethereumAddress, xWingDecapsulate, xWingEncapsulate } from "@coterie/crypto";
import type { AeadName, CryptoProvider, DhName, HashName, SignatureName } from "@coterie/crypto";
import { expect, test } from "vitest";
import { both, everyOne, noble, openssl, outcome } from "./support.ts";

const of = (length: number, fill = 1): Uint8Array => new Uint8Array(length).fill(fill);
const none = of(0);
const lengths = [0, 1, 15, 16, 17, 31, 32, 33, 47, 48, 49, 56, 57, 58, 64, 65, 66, 97, 133, 1184];

/** Both answer with the same value or the same code; any error that is not ours goes through and fails the test. */
function alike<T>(ask: (crypto: CryptoProvider) => T): string {
  const [a, b] = both((crypto) => outcome(() => ask(crypto)));
  expect(b).toEqual(a);
  return "code" in a ? a.code : "ok";
}

test("AEAD: wrong key and nonce lengths are named, a short ciphertext does not open", () => {
  const keys: Record<AeadName, number> = { aes128gcm: 16, aes256gcm: 32, chacha20poly1305: 32 };
  for (const [name, right] of Object.entries(keys) as [AeadName, number][]) {
    for (const length of lengths) {
      const code = length === right ? "ok" : "crypto/bad-length";
      expect(alike((c) => c.aeadSeal(name, of(length), of(12), none, none))).toBe(code);
      const opened = alike((c) => c.aeadOpen(name, of(length), of(12), none, of(16)));
      expect(opened).toBe(length === right ? "crypto/open-failed" : code);
    }
    for (const length of [0, 8, 11, 13, 16, 24]) {
      expect(alike((c) => c.aeadSeal(name, of(right), of(length), none, none))).toBe(
        "crypto/bad-length",
      );
      expect(alike((c) => c.aeadOpen(name, of(right), of(length), none, of(16)))).toBe(
        "crypto/bad-length",
      );
    }
    for (let length = 0; length < 20; length++) {
      expect(alike((c) => c.aeadOpen(name, of(right), of(12), none, of(length)))).toBe(
        "crypto/open-failed",
      );
    }
  }
});

const dhLengths: Record<DhName, [number, number]> = {
  x25519: [32, 32],
  x448: [56, 56],
  p256: [32, 65],
  p384: [48, 97],
  p521: [66, 133],
};
const signerLengths: Record<SignatureName, [number, number]> = {
  ed25519: [32, 32],
  ed448: [57, 57],
  p256: [32, 65],
  p384: [48, 97],
  p521: [66, 133],
};

test("Diffie-Hellman: wrong lengths, zero, the order and above, and points off the curve", () => {
  for (const [name, [privateLength, publicLength]] of Object.entries(dhLengths) as [
    DhName,
    [number, number],
  ][]) {
    for (const length of lengths) {
      if (length !== privateLength) {
        expect(alike((c) => c.dhPublicKey(name, of(length)))).toBe("crypto/bad-length");
        expect(alike((c) => c.dh(name, of(length), of(publicLength)))).toBe("crypto/bad-length");
      }
      if (length !== publicLength) {
        expect(alike((c) => c.dh(name, of(privateLength), of(length)))).toBe("crypto/bad-length");
      }
    }
    if (!name.startsWith("p")) continue;
    for (const fill of [0, 0xff]) {
      expect(alike((c) => c.dhPublicKey(name, of(privateLength, fill)))).toBe("crypto/bad-key");
    }
    for (const fill of [0, 1, 4, 0xff]) {
      expect(alike((c) => c.dh(name, of(privateLength), of(publicLength, fill)))).toBe(
        "crypto/bad-key",
      );
    }
  }
});

test("signatures: bad private keys are refused with a code, bad public keys and signatures are false", () => {
  for (const [name, [privateLength, publicLength]] of Object.entries(signerLengths) as [
    SignatureName,
    [number, number],
  ][]) {
    for (const length of lengths) {
      if (length !== privateLength) {
        expect(alike((c) => c.sign(name, of(length), none))).toBe("crypto/bad-length");
        expect(alike((c) => c.signaturePublicKey(name, of(length)))).toBe("crypto/bad-length");
      }
      for (const signature of [none, of(64), of(114), of(length)]) {
        for (const key of [of(length), of(publicLength, 4), of(publicLength, 0xff)]) {
          expect(everyOne((c) => c.verify(name, key, none, signature))).toEqual([false, false]);
        }
      }
    }
  }
  expect(alike((c) => c.sign("p256", of(32, 0), none))).toBe("crypto/bad-key");
  expect(alike((c) => c.signaturePublicKey("p521", of(66, 0xff)))).toBe("crypto/bad-key");
});

test("Ed25519ph: wrong key lengths and contexts above 255 bytes", () => {
  expect(alike((c) => c.ed25519phSign(of(31), none, none))).toBe("crypto/bad-length");
  expect(alike((c) => c.ed25519phSign(of(32), none, of(256)))).toBe("crypto/bad-length");
  expect(alike((c) => c.ed25519phSign(of(32), none, of(255)))).toBe("ok");
  expect(alike((c) => c.ed25519phVerify(of(32), none, of(256), of(64)))).toBe("crypto/bad-length");
  for (const length of lengths) {
    expect(everyOne((c) => c.ed25519phVerify(of(length), none, none, of(64)))).toEqual([
      false,
      false,
    ]);
    expect(everyOne((c) => c.ed25519phVerify(of(32), none, none, of(length)))).toEqual([
      false,
      false,
    ]);
  }
});

test("secp256k1: wrong lengths and scalars out of range", () => {
  for (const length of lengths.filter((each) => each !== 32)) {
    expect(alike((c) => c.secp256k1PublicKey(of(length)))).toBe("crypto/bad-length");
    expect(alike((c) => c.secp256k1Sign(of(length), of(32)))).toBe("crypto/bad-length");
    expect(alike((c) => c.secp256k1Sign(of(32), of(length)))).toBe("crypto/bad-length");
    expect(alike((c) => c.secp256k1Recover(of(length), of(64), 0))).toBe("crypto/bad-length");
  }
  for (const length of lengths.filter((each) => each !== 64)) {
    expect(everyOne((c) => c.secp256k1Recover(of(32), of(length), 0))).toEqual([
      undefined,
      undefined,
    ]);
  }
  for (const fill of [0, 0xff]) {
    expect(alike((c) => c.secp256k1PublicKey(of(32, fill)))).toBe("crypto/bad-key");
    expect(alike((c) => c.secp256k1Sign(of(32, fill), of(32)))).toBe("crypto/bad-key");
    const signature = of(64, fill);
    expect(everyOne((c) => c.secp256k1Recover(of(32), signature, 1))).toEqual([
      undefined,
      undefined,
    ]);
  }
  expect(everyOne((c) => c.secp256k1Recover(of(32), of(64), 2 as 0))).toEqual([
    undefined,
    undefined,
  ]);
  expect(alike((c) => ethereumAddress(c, of(64)))).toBe("crypto/bad-length");
});

test("ML-KEM and X-Wing: wrong lengths", () => {
  for (const length of lengths) {
    if (length !== 64) {
      expect(alike((c) => c.mlKem768PublicKey(of(length)))).toBe("crypto/bad-length");
      expect(alike((c) => c.mlKem768Decapsulate(of(length), of(1088)))).toBe("crypto/bad-length");
    }
    expect(alike((c) => c.mlKem768Decapsulate(of(64), of(length)))).toBe("crypto/bad-length");
    expect(alike((c) => xWingEncapsulate(c, of(length)))).toBe("crypto/bad-length");
    expect(alike((c) => xWingDecapsulate(c, of(length), of(32)))).toBe("crypto/bad-length");
    if (length !== 1184) {
      expect(alike((c) => c.mlKem768Encapsulate(of(length)))).toBe("crypto/bad-length");
    }
  }
  expect(alike((c) => xWingDecapsulate(c, of(1120), of(31)))).toBe("crypto/bad-length");
  expect(alike((c) => c.mlKem768Encapsulate(of(1184, 0xff)))).toBe("crypto/bad-key");
});

test("lengths asked for: HKDF, SHAKE256 and random bytes", () => {
  for (const length of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    expect(alike((c) => c.bytes(length))).toBe("crypto/bad-length");
    expect(alike((c) => c.shake256(none, length))).toBe("crypto/bad-length");
    expect(alike((c) => c.hkdfExpand("sha256", of(32), none, length))).toBe("crypto/bad-length");
  }
  expect(alike((c) => c.bytes(2 ** 40))).toBe("crypto/bad-length");
  expect(alike((c) => c.shake256(none, 2 ** 40))).toBe("crypto/bad-length");
  expect(alike((c) => c.hkdfExpand("sha256", of(32), none, 255 * 32))).toBe("ok");
  expect(alike((c) => c.hkdfExpand("sha256", of(32), none, 255 * 32 + 1))).toBe(
    "crypto/bad-length",
  );
  expect(alike((c) => c.hkdfExpand("sha512", of(32), none, 0))).toBe("ok");
  for (const length of [0, 1, 70_000]) {
    expect(both((c) => c.bytes(length).length)).toEqual([length, length]);
  }
});

test("algorithms we do not have", () => {
  const asks: ((crypto: CryptoProvider) => unknown)[] = [
    (c) => c.hash("md5" as HashName, none),
    (c) => c.hash("toString" as HashName, none),
    (c) => c.hmac("md5" as HashName, none, none),
    (c) => c.hkdfExtract("md5" as HashName, none, none),
    (c) => c.hkdfExpand("md5" as HashName, none, none, 1),
    (c) => c.aeadSeal("rot13" as AeadName, none, none, none, none),
    (c) => c.aeadOpen("rot13" as AeadName, none, none, none, none),
    (c) => c.generateDh("dh" as DhName),
    (c) => c.dhPublicKey("dh" as DhName, none),
    (c) => c.dh("dh" as DhName, none, none),
    (c) => c.dhEphemeral("dh" as DhName, none),
    (c) => c.generateSigner("rsa" as SignatureName),
    (c) => c.sign("rsa" as SignatureName, none, none),
    (c) => c.signaturePublicKey("rsa" as SignatureName, none),
    (c) => c.verify("rsa" as SignatureName, none, none, none),
  ];
  for (const ask of asks) expect(alike(ask)).toBe("crypto/unsupported");
});

test("inputs are neither changed nor kept", () => {
  for (const crypto of [noble, openssl]) {
    const seed = of(32, 3);
    const publicKey = crypto.signaturePublicKey("ed25519", seed);
    const message = of(10, 4);
    const signature = crypto.sign("ed25519", seed, message);
    const copies = [seed, publicKey, message, signature].map((each) => each.slice());
    expect(crypto.verify("ed25519", publicKey, message, signature)).toBe(true);
    expect([seed, publicKey, message, signature]).toEqual(copies);
    // A caller that wipes its key must not change what the cache believes the key to be.
    seed.fill(0);
    publicKey.fill(0);
    expect(crypto.sign("ed25519", copies[0] as Uint8Array, message)).toEqual(signature);
    const key = copies[1] as Uint8Array;
    expect(crypto.verify("ed25519", key, message, signature)).toBe(true);
    expect(crypto.verify("ed25519", publicKey, message, signature)).toBe(false);
  }
});

test("errors say what was wrong and hold no bytes", () => {
  for (const crypto of [noble, openssl]) {
    try {
      crypto.dh("x25519", of(31, 0xab), of(32));
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(CryptoError);
      const { code, disposition, details, message, name } = error as CryptoError;
      expect(name).toBe("CryptoError");
      expect({ code, disposition, details }).toEqual({
        code: "crypto/bad-length",
        disposition: "reject",
        details: { what: "private key", length: 31, expected: 32 },
      });
      expect(message).not.toContain("ab");
    }
  }
});
