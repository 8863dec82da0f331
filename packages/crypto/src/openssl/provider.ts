import { systemRandom } from "@coterie/base";
import { ed25519Verify } from "../edwards/verify.ts";
import { ecdsaToDer } from "../strict/ecdsa-der.ts";
import type { Engine } from "../engine.ts";
import { verifyEd448 } from "../noble/ed448.ts";
import { nobleEquation, signEd25519ph } from "../noble/edwards.ts";
import { nobleEngine } from "../noble/engine.ts";
import { nobleSecp256k1 } from "../noble/secp256k1.ts";
import type { CryptoProvider } from "../provider.ts";
import { strictProvider } from "../strict/provider.ts";
import { createEdwardsEquation } from "../wasm/edwards25519.ts";
import { loadSecp256k1 } from "../wasm/secp256k1.ts";
import { opensslAead } from "./aead.ts";
import { opensslDhEphemeral } from "./dh-ephemeral.ts";
import { hash, hmac, sha3_256, shake256 } from "./hashing.ts";
import { createKeyStore } from "./keys.ts";
import type { KeyStore } from "./keys.ts";
import { opensslMlKem } from "./ml-kem.ts";
import { nodeCrypto, plain } from "./node-crypto.ts";

export interface OpensslOptions {
  /** How many public keys stay imported; a quarter as many private ones do. 4,096 by default. */
  readonly cachedKeys?: number | undefined;
}

/** A provider on node:crypto with its own cache of imported keys. Where OpenSSL lacks a primitive, noble does it. */
export function createOpensslProvider(options: OpensslOptions = {}): CryptoProvider {
  return strictProvider(createEngine(createKeyStore(options.cachedKeys ?? defaultCachedKeys)));
}

let loading: Promise<CryptoProvider> | undefined;

/**
 * The same with libsecp256k1 in WebAssembly for wallets' signatures, about twelve times as fast; the plain provider where that cannot be
 * loaded. One for the process. Never rejects.
 */
export function loadOpensslProvider(): Promise<CryptoProvider> {
  loading ??= loadSecp256k1().then((secp256k1) =>
    secp256k1 === undefined
      ? opensslProvider
      : strictProvider({ ...createEngine(sharedKeys), ...secp256k1 }),
  );
  return loading;
}

const defaultCachedKeys = 4096;
const sharedKeys = createKeyStore(defaultCachedKeys);
const digests = { p256: "sha256", p384: "sha384", p521: "sha512" } as const;

function createEngine(keys: KeyStore): Engine {
  return {
    name: "openssl",
    bytes: systemRandom.bytes,
    hash,
    hmac,
    sha3_256,
    shake256,
    // OpenSSL's SHA-3 pads differently from the Keccak of Ethereum.
    keccak256: nobleEngine.keccak256,
    ...opensslAead,

    dhPublicKey: (name, privateKey) =>
      name === "x25519" || name === "x448"
        ? keys.publicBytes(name, privateKey)
        : plain(keys.ecdh(name, privateKey).getPublicKey()),
    dh(name, privateKey, publicKey) {
      try {
        if (name !== "x25519" && name !== "x448") {
          // Checks that the point is on the curve.
          return plain(keys.ecdh(name, privateKey).computeSecret(publicKey));
        }
        const key = keys.publicKey(name, "dh", publicKey);
        if (key === undefined) return undefined;
        return plain(
          nodeCrypto.diffieHellman({
            privateKey: keys.privateKey(name, privateKey),
            publicKey: key,
          }),
        );
      } catch {
        return undefined;
      }
    },

    dhEphemeral: (name, publicKey) => opensslDhEphemeral(keys, name, publicKey),

    signaturePublicKey: (name, privateKey) =>
      isEdwards(name)
        ? keys.publicBytes(name, privateKey)
        : plain(keys.ecdh(name, privateKey).getPublicKey()),
    sign: (name, privateKey, message) =>
      isEdwards(name)
        ? plain(nodeCrypto.sign(null, message, keys.privateKey(name, privateKey)))
        : plain(nodeCrypto.sign(digests[name], message, keys.ecdsa(name, privateKey))),
    verify(name, publicKey, message, signature) {
      if (name === "ed448") return verifyEd448(publicKey, message, signature);
      const key = keys.publicKey(name, "sign", publicKey);
      if (key === undefined) return false;
      if (name === "ed25519") return nodeCrypto.verify(null, message, key, signature);
      // @NOTE DER, to hand over the key object itself: of an object around it (`dsaEncoding`) Node asks in vain, for 20 µs each, whether it is a key
      return nodeCrypto.verify(digests[name], message, key, ecdsaToDer(signature));
    },

    // node:crypto knows neither the pre-hashed variant nor a context for it.
    ed25519phSign: signEd25519ph,
    ed25519phVerify: (...input) => (preHashed ??= createPreHashed())(...input),
    ...nobleSecp256k1,
    ...opensslMlKem(keys),
  };
}

type PreHashed = Engine["ed25519phVerify"];
let preHashed: PreHashed | undefined;

function createPreHashed(): PreHashed {
  const sha512 = (data: Uint8Array): Uint8Array => hash("sha512", data);
  return ed25519Verify(sha512, createEdwardsEquation() ?? nobleEquation).ed25519phVerify;
}

function isEdwards(name: string): name is "ed25519" | "ed448" {
  return name === "ed25519" || name === "ed448";
}

/** The provider on node:crypto that one process shares. */
export const opensslProvider: CryptoProvider = strictProvider(createEngine(sharedKeys));
