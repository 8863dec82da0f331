import { systemRandom } from "@coterie/base";
import { gcm } from "@noble/ciphers/aes.js";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { ed448, x448 } from "@noble/curves/ed448.js";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { keccak_256, sha3_256, shake256 } from "@noble/hashes/sha3.js";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { ed25519Verify } from "../edwards/verify.ts";
import type { EdwardsEquation } from "../edwards/verify.ts";
import type { Engine } from "../engine.ts";
import { verifyEd448 } from "./ed448.ts";
import { nobleEquation, signEd25519ph } from "./edwards.ts";
import { nobleSecp256k1 } from "./secp256k1.ts";

const hashes = { sha256, sha384, sha512 };
const montgomery = { x25519, x448 };
const primeCurves = { p256, p384, p521 };
const edwards = { ed25519, ed448 };
const ciphers = { aes128gcm: gcm, aes256gcm: gcm, chacha20poly1305 };

/** The primitives of noble, which need nothing but JavaScript. */
export const nobleEngine: Engine = {
  name: "noble",
  ...nobleEdwards(nobleEquation),
  bytes: systemRandom.bytes,
  hash: (name, data) => hashes[name](data),
  hmac: (name, key, data) => hmac(hashes[name], key, data),
  keccak256: (data) => keccak_256(data),
  sha3_256: (data) => sha3_256(data),
  shake256: (data, length) => shake256(data, { dkLen: length }),

  aeadSeal: (name, key, nonce, aad, plaintext) => ciphers[name](key, nonce, aad).encrypt(plaintext),
  aeadOpen: (name, key, nonce, aad, ciphertext) =>
    refusing(() => ciphers[name](key, nonce, aad).decrypt(ciphertext)),

  dhPublicKey: (name, privateKey) =>
    isMontgomery(name)
      ? montgomery[name].getPublicKey(privateKey)
      : primeCurves[name].getPublicKey(privateKey, false),
  dh: (name, privateKey, publicKey) =>
    refusing(() =>
      isMontgomery(name)
        ? montgomery[name].getSharedSecret(privateKey, publicKey)
        : primeCurves[name].getSharedSecret(privateKey, publicKey, true).slice(1),
    ),

  signaturePublicKey: (name, privateKey) =>
    isEdwards(name)
      ? edwards[name].getPublicKey(privateKey)
      : primeCurves[name].getPublicKey(privateKey, false),
  sign: (name, privateKey, message) =>
    isEdwards(name)
      ? edwards[name].sign(message, privateKey)
      : primeCurves[name].sign(message, privateKey, { format: "der", lowS: false }),
  ed25519phSign: signEd25519ph,

  ...nobleSecp256k1,

  mlKem768PublicKey: (seed) => ml_kem768.keygen(seed).publicKey,
  mlKem768Encapsulate: (publicKey) =>
    refusing(() => {
      const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey);
      return { ciphertext: cipherText, sharedSecret };
    }),
  mlKem768Decapsulate: (seed, ciphertext) =>
    ml_kem768.decapsulate(ciphertext, ml_kem768.keygen(seed).secretKey),
};

/** Verification with noble's primitives around any form of the equation. */
export function nobleEdwards(
  equation: EdwardsEquation,
): Pick<Engine, "verify" | "ed25519phVerify"> {
  const { ed25519Verify: verifyEd25519, ed25519phVerify } = ed25519Verify(sha512, equation);
  return {
    verify(name, publicKey, message, signature) {
      if (name === "ed25519") return verifyEd25519(publicKey, message, signature);
      if (name === "ed448") return verifyEd448(publicKey, message, signature);
      const options = { format: "compact", lowS: false } as const;
      return (
        refusing(() => primeCurves[name].verify(signature, message, publicKey, options)) ?? false
      );
    },
    ed25519phVerify,
  };
}

function isMontgomery(name: string): name is "x25519" | "x448" {
  return name === "x25519" || name === "x448";
}

function isEdwards(name: string): name is "ed25519" | "ed448" {
  return name === "ed25519" || name === "ed448";
}

/** noble throws what we answer with undefined; the inputs it would call wrong by type were checked before. */
function refusing<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
