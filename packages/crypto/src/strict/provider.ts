import { wipe } from "@coterie/base";
import type { Engine } from "../engine.ts";
import { CryptoError, requireLength } from "../errors.ts";
import type { CryptoProvider, HashName } from "../provider.ts";
import { diffieHellman } from "./diffie-hellman.ts";
import { ecdsaFromDer } from "./ecdsa-der.ts";
import { isAcceptableEd25519Point, isAcceptableEd25519Signature } from "./ed25519.ts";
import {
  badPublicKey,
  requireContext,
  requireOutput,
  requirePrivateKey,
  sizeOf,
} from "./require.ts";
import { isScalar, randomScalar } from "./scalars.ts";
import {
  aeadKeyLengths,
  aeadNonceLength,
  aeadTagLength,
  hashLengths,
  mlKem768Lengths,
  signerLengths,
} from "./sizes.ts";

/**
 * Makes a provider of an engine: every check that decides a verdict is made here, once for all engines, so that they cannot
 * disagree (MLS-07).
 */
export function strictProvider(engine: Engine): CryptoProvider {
  return {
    name: engine.name,
    bytes: (length) => {
      requireOutput("random", length, maxOutput);
      return engine.bytes(length);
    },
    ...hashing(engine),
    ...aead(engine),
    ...diffieHellman(engine),
    ...signatures(engine),
    ...secp256k1(engine),
    ...mlKem(engine),
  };
}

/** Far above what any protocol here draws at once. */
const maxOutput = 2 ** 24;

type Part<K extends keyof CryptoProvider> = Pick<CryptoProvider, K>;

function hashing(
  engine: Engine,
): Part<"hash" | "hmac" | "hkdfExtract" | "hkdfExpand" | "keccak256" | "sha3_256" | "shake256"> {
  const hmac: CryptoProvider["hmac"] = (name, key, data) => {
    sizeOf(hashLengths, name, "hash");
    return engine.hmac(name, key, data);
  };
  return {
    hash: (name, data) => {
      sizeOf(hashLengths, name, "hash");
      return engine.hash(name, data);
    },
    hmac,
    // An empty salt needs no block of zeros: HMAC pads every key with zeros.
    hkdfExtract: (name, salt, ikm) => hmac(name, salt, ikm),
    hkdfExpand: (name, prk, info, length) => hkdfExpand(engine, name, prk, info, length),
    keccak256: engine.keccak256,
    sha3_256: engine.sha3_256,
    shake256: (data, length) => {
      requireOutput("shake256", length, maxOutput);
      return engine.shake256(data, length);
    },
  };
}

function hkdfExpand(
  engine: Engine,
  name: HashName,
  prk: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array {
  const size = sizeOf(hashLengths, name, "hash");
  requireOutput("hkdf", length, 255 * size);
  const first = new Uint8Array(info.length + 1);
  first.set(info);
  first[info.length] = 1;
  let block = engine.hmac(name, prk, first);
  if (length === size) return block;
  if (length < size) {
    const out = block.slice(0, length);
    block.fill(0);
    return out;
  }

  const out = new Uint8Array(length);
  const input = new Uint8Array(size + info.length + 1);
  input.set(info, size);
  out.set(block);
  for (let at = size, counter = 2; at < length; at += size, counter++) {
    input.set(block);
    input[size + info.length] = counter;
    block.fill(0);
    block = engine.hmac(name, prk, input);
    out.set(block.subarray(0, Math.min(size, length - at)), at);
  }
  wipe(block, input);
  return out;
}

function aead(engine: Engine): Part<"aeadSeal" | "aeadOpen"> {
  return {
    aeadSeal: (name, key, nonce, aad, plaintext) => {
      requireLength("key", key, sizeOf(aeadKeyLengths, name, "aead"));
      requireLength("nonce", nonce, aeadNonceLength);
      return engine.aeadSeal(name, key, nonce, aad, plaintext);
    },
    aeadOpen: (name, key, nonce, aad, ciphertext) => {
      requireLength("key", key, sizeOf(aeadKeyLengths, name, "aead"));
      requireLength("nonce", nonce, aeadNonceLength);
      const opened =
        ciphertext.length < aeadTagLength
          ? undefined
          : engine.aeadOpen(name, key, nonce, aad, ciphertext);
      if (opened === undefined) throw new CryptoError("crypto/open-failed");
      return opened;
    },
  };
}

function signatures(
  engine: Engine,
): Part<
  "generateSigner" | "signaturePublicKey" | "sign" | "verify" | "ed25519phSign" | "ed25519phVerify"
> {
  return {
    generateSigner: (name) => {
      const { privateKey: length } = sizeOf(signerLengths, name, "signature");
      const edwards = name === "ed25519" || name === "ed448";
      const privateKey = edwards ? engine.bytes(length) : randomScalar(name, engine);
      return { privateKey, publicKey: engine.signaturePublicKey(name, privateKey) };
    },
    signaturePublicKey: (name, privateKey) => {
      requirePrivateKey(name, privateKey, sizeOf(signerLengths, name, "signature").privateKey);
      return engine.signaturePublicKey(name, privateKey);
    },
    sign: (name, privateKey, message) => {
      requirePrivateKey(name, privateKey, sizeOf(signerLengths, name, "signature").privateKey);
      return engine.sign(name, privateKey, message);
    },
    verify: (name, publicKey, message, signature) => {
      if (publicKey.length !== sizeOf(signerLengths, name, "signature").publicKey) return false;
      if (name === "ed25519") {
        return (
          isAcceptableEd25519Point(publicKey) &&
          isAcceptableEd25519Signature(signature) &&
          engine.verify(name, publicKey, message, signature)
        );
      }
      if (name === "ed448") {
        return signature.length === 114 && engine.verify(name, publicKey, message, signature);
      }
      const compact = publicKey[0] === 4 ? ecdsaFromDer(name, signature) : undefined;
      return compact !== undefined && engine.verify(name, publicKey, message, compact);
    },
    ed25519phSign: (privateKey, message, context) => {
      requireLength("private key", privateKey, 32);
      requireContext(context);
      return engine.ed25519phSign(privateKey, message, context);
    },
    ed25519phVerify: (publicKey, message, context, signature) => {
      requireContext(context);
      return (
        isAcceptableEd25519Point(publicKey) &&
        isAcceptableEd25519Signature(signature) &&
        engine.ed25519phVerify(publicKey, message, context, signature)
      );
    },
  };
}

function secp256k1(
  engine: Engine,
): Part<"secp256k1PublicKey" | "secp256k1Sign" | "secp256k1Recover"> {
  return {
    secp256k1PublicKey: (privateKey) => {
      requirePrivateKey("secp256k1", privateKey, 32);
      return engine.secp256k1PublicKey(privateKey);
    },
    secp256k1Sign: (privateKey, digest) => {
      requirePrivateKey("secp256k1", privateKey, 32);
      requireLength("digest", digest, 32);
      const { compact, recovery } = engine.secp256k1Sign(privateKey, digest);
      const out = new Uint8Array(65);
      out.set(compact);
      out[64] = 27 + recovery;
      return out;
    },
    secp256k1Recover: (digest, signature, recovery) => {
      requireLength("digest", digest, 32);
      const valid =
        signature.length === 64 &&
        (recovery === 0 || recovery === 1) &&
        isScalar("secp256k1", signature.subarray(0, 32)) &&
        isScalar("secp256k1", signature.subarray(32));
      return valid ? engine.secp256k1Recover(digest, signature, recovery) : undefined;
    },
  };
}

function mlKem(
  engine: Engine,
): Part<"mlKem768PublicKey" | "mlKem768Encapsulate" | "mlKem768Decapsulate"> {
  return {
    mlKem768PublicKey: (seed) => {
      requireLength("seed", seed, mlKem768Lengths.seed);
      return engine.mlKem768PublicKey(seed);
    },
    mlKem768Encapsulate: (publicKey) => {
      requireLength("public key", publicKey, mlKem768Lengths.publicKey);
      const encapsulated = isReduced(publicKey) ? engine.mlKem768Encapsulate(publicKey) : undefined;
      if (encapsulated === undefined) throw badPublicKey("ml-kem-768");
      return encapsulated;
    },
    mlKem768Decapsulate: (seed, ciphertext) => {
      requireLength("seed", seed, mlKem768Lengths.seed);
      requireLength("ciphertext", ciphertext, mlKem768Lengths.ciphertext);
      return engine.mlKem768Decapsulate(seed, ciphertext);
    },
  };
}

/** The modulus check of FIPS 203 section 7.2: each of the 768 twelve-bit coefficients is below 3329. */
function isReduced(publicKey: Uint8Array): boolean {
  for (let i = 0; i < 1152; i += 3) {
    const middle = publicKey[i + 1] as number;
    if (((publicKey[i] as number) | ((middle & 15) << 8)) >= 3329) return false;
    if (((middle >> 4) | ((publicKey[i + 2] as number) << 4)) >= 3329) return false;
  }
  return true;
}
