import { systemRandom } from "@coterie/base";
import { gcm } from "@noble/ciphers/aes.js";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { ed25519Verify } from "../edwards/verify.ts";
import type { Engine } from "../engine.ts";
import { CryptoError } from "../errors.ts";
import { nobleEquation, signEd25519ph } from "./edwards.ts";

const hashes = { sha256, sha384, sha512 };
const ciphers = { aes128gcm: gcm, aes256gcm: gcm, chacha20poly1305 };
const verification = ed25519Verify(sha512, nobleEquation);

/** Of noble what the MLS suites on Curve25519 need. All else is `crypto/unsupported`, verification too: "no" would be a verdict. */
export const noble25519Engine: Engine = {
  name: "noble",
  bytes: systemRandom.bytes,
  hash: (name, data) => hashes[name](data),
  hmac: (name, key, data) => hmac(hashes[name], key, data),

  aeadSeal: (name, key, nonce, aad, plaintext) => ciphers[name](key, nonce, aad).encrypt(plaintext),
  aeadOpen: (name, key, nonce, aad, ciphertext) =>
    refusing(() => ciphers[name](key, nonce, aad).decrypt(ciphertext)),

  dhPublicKey(name, privateKey) {
    only("x25519", name);
    return x25519.getPublicKey(privateKey);
  },
  dh(name, privateKey, publicKey) {
    only("x25519", name);
    return refusing(() => x25519.getSharedSecret(privateKey, publicKey));
  },

  signaturePublicKey(name, privateKey) {
    only("ed25519", name);
    return ed25519.getPublicKey(privateKey);
  },
  sign(name, privateKey, message) {
    only("ed25519", name);
    return ed25519.sign(message, privateKey);
  },
  verify(name, publicKey, message, signature) {
    only("ed25519", name);
    return verification.ed25519Verify(publicKey, message, signature);
  },
  ed25519phSign: signEd25519ph,
  ed25519phVerify: verification.ed25519phVerify,

  keccak256: () => missing("keccak256"),
  sha3_256: () => missing("sha3-256"),
  shake256: () => missing("shake256"),
  secp256k1PublicKey: () => missing("secp256k1"),
  secp256k1Sign: () => missing("secp256k1"),
  secp256k1Recover: () => missing("secp256k1"),
  mlKem768PublicKey: () => missing("ml-kem-768"),
  mlKem768Encapsulate: () => missing("ml-kem-768"),
  mlKem768Decapsulate: () => missing("ml-kem-768"),
};

function only(have: string, asked: string): void {
  if (asked !== have) missing(asked);
}

function missing(algorithm: string): never {
  throw new CryptoError("crypto/unsupported", { algorithm });
}

/** noble throws what we answer with undefined; the inputs it would call wrong by type were checked before. */
function refusing<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
