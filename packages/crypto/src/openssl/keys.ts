import type { DhName, SignatureName } from "../provider.ts";
import { createLru } from "../strict/lru.ts";
import type { Lru } from "../strict/lru.ts";
import { Buffer, fromBase64Url, nodeCrypto, plain, toBase64, toBase64Url } from "./node-crypto.ts";
import type { ECDH, KeyObject } from "./node-crypto.ts";

/**
 * Imported keys (MLS-08): an import costs as much as the operation itself. Public keys are found by their bytes; private ones go with the
 * array that holds them, so that a secret which its owner wiped and let go of stays behind nowhere.
 */
export interface KeyStore {
  /** Undefined where OpenSSL refuses the bytes. */
  publicKey(
    name: DhName | SignatureName,
    use: "dh" | "sign",
    bytes: Uint8Array,
  ): KeyObject | undefined;
  privateKey(name: EdwardsOrMontgomery, bytes: Uint8Array): KeyObject;
  /** The public half of a private key of the Edwards and Montgomery curves. */
  publicBytes(name: EdwardsOrMontgomery, bytes: Uint8Array): Uint8Array;
  ecdh(name: PrimeName, bytes: Uint8Array): ECDH;
  ecdsa(name: PrimeName, bytes: Uint8Array): KeyObject;
  mlKem(seed: Uint8Array): KeyObject;
  mlKemPublic(bytes: Uint8Array): KeyObject | undefined;
}

type EdwardsOrMontgomery = "ed25519" | "ed448" | "x25519" | "x448";
type PrimeName = "p256" | "p384" | "p521";

const okpNames = { ed25519: "Ed25519", ed448: "Ed448", x25519: "X25519", x448: "X448" } as const;
const ecNames = { p256: "P-256", p384: "P-384", p521: "P-521" } as const;
export const ecdhNames = { p256: "prime256v1", p384: "secp384r1", p521: "secp521r1" } as const;

// PKCS #8 of ML-KEM-768 that holds the 64-byte seed alone, and its SubjectPublicKeyInfo up to the key.
const mlKemSeedPrefix = Buffer.from("3054020100300b060960864801650304040204428040", "hex");
const mlKemPublicPrefix = Buffer.from("308204b2300b0609608648016503040402038204a100", "hex");

/** Creates a store that keeps at most `limit` public keys, and `limit / 4` private ones of each kind. */
export function createKeyStore(limit: number): KeyStore {
  const publicKeys: Lru<KeyObject | false> = createLru(limit);
  const privateKeys = createHeldKeys<KeyObject>(Math.ceil(limit / 4));
  const exchanges = createHeldKeys<ECDH>(Math.ceil(limit / 4));

  const privateKey: KeyStore["privateKey"] = (name, bytes) =>
    privateKeys(name, bytes, () => importPrivate(name, bytes));

  const ecdh: KeyStore["ecdh"] = (name, bytes) =>
    exchanges(name, bytes, () => {
      const exchange = nodeCrypto.createECDH(ecdhNames[name]);
      exchange.setPrivateKey(bytes);
      return exchange;
    });

  return {
    publicKey(name, use, bytes) {
      const text = toBase64Url(bytes);
      const key = remember(publicKeys, `${name} ${use} ${text}`, () =>
        importPublic(name, bytes, text),
      );
      return key === false ? undefined : key;
    },
    privateKey,
    // Never `generateKeyPairSync(…).publicKey.export(…)`: a collection that frees the generator's job while the key's lock is held waits for that
    // lock for ever. An imported key has no such job, and its private half knows the public one.
    publicBytes: (name, bytes) => {
      // A JWK of the private half would hold the secret as a string, which nobody can wipe.
      const key = nodeCrypto.createPublicKey(privateKey(name, bytes));
      return fromBase64Url(key.export({ format: "jwk" }).x as string);
    },
    ecdh,
    ecdsa: (name, bytes) =>
      privateKeys(name, bytes, () =>
        nodeCrypto.createPrivateKey({
          format: "jwk",
          key: { ...ecJwk(name, plain(ecdh(name, bytes).getPublicKey())), d: toBase64Url(bytes) },
        }),
      ),
    mlKem: (seed) =>
      privateKeys("ml-kem", seed, () =>
        nodeCrypto.createPrivateKey({
          format: "der",
          type: "pkcs8",
          key: Buffer.concat([mlKemSeedPrefix, seed]),
        }),
      ),
    // Used once per welcome, and 1,184 bytes each: not worth a place.
    mlKemPublic: (bytes) => {
      try {
        const key = Buffer.concat([mlKemPublicPrefix, bytes]);
        return nodeCrypto.createPublicKey({ format: "der", type: "spki", key });
      } catch {
        return undefined;
      }
    },
  };
}

function remember<V>(cache: Lru<V>, id: string, make: () => V): V {
  const known = cache.get(id);
  if (known !== undefined) return known;
  const made = make();
  cache.set(id, made);
  return made;
}

/**
 * What is made of private keys, while their arrays live and at most for the last `limit` of them. The digest tells whether an array still
 * holds what it held: it may have been wiped, or filled again.
 */
function createHeldKeys<V>(limit: number): (name: string, bytes: Uint8Array, make: () => V) => V {
  const held = new WeakMap<Uint8Array, { readonly id: string; readonly value: V }>();
  const latest: WeakRef<Uint8Array>[] = [];
  let at = 0;
  return (name, bytes, make) => {
    const id = name + digestText(bytes);
    const known = held.get(bytes);
    if (known?.id === id) return known.value;
    const value = make();
    const oldest = latest[at]?.deref();
    if (oldest) held.delete(oldest);
    latest[at] = new WeakRef(bytes);
    at = (at + 1) % limit;
    held.set(bytes, { id, value });
    return value;
  };
}

const digestText: (bytes: Uint8Array) => string =
  typeof nodeCrypto.hash === "function"
    ? (bytes) => nodeCrypto.hash("sha256", bytes, "binary")
    : (bytes) => nodeCrypto.createHash("sha256").update(bytes).digest("binary");

type Jwk = Record<string, string>;

/**
 * From Node 24 on, every form of a key but text makes Node throw and catch errors inside, to find out what it was given: 45 µs for a
 * public JWK, against 15 µs for PEM. Before, a JWK is the cheapest there is. Measured by tools/bench/crypto.mjs; all import the same keys.
 */
const preferPem = Number(process.versions.node.split(".")[0]) >= 24;

// SubjectPublicKeyInfo up to the key in base64, which 12 bytes fill; PKCS #8 up to the secret.
const publicPem: Partial<Record<string, string>> = {
  ed25519: "MCowBQYDK2VwAyEA",
  x25519: "MCowBQYDK2VuAyEA",
};
const x25519PrivatePrefix = Buffer.from("302e020100300506032b656e04220420", "hex");

function importPublic(
  name: DhName | SignatureName,
  bytes: Uint8Array,
  base64Url: string,
): KeyObject | false {
  const prefix = preferPem ? publicPem[name] : undefined;
  try {
    if (prefix !== undefined) {
      return nodeCrypto.createPublicKey(pem("PUBLIC", prefix + toBase64(bytes)));
    }
    const key = name in ecNames ? ecJwk(name as PrimeName, bytes) : okpJwk(name, base64Url);
    return nodeCrypto.createPublicKey({ format: "jwk", key });
  } catch {
    return false;
  }
}

function importPrivate(name: EdwardsOrMontgomery, bytes: Uint8Array): KeyObject {
  if (preferPem && name === "x25519") {
    const der = Buffer.concat([x25519PrivatePrefix, bytes]);
    try {
      return nodeCrypto.createPrivateKey(pem("PRIVATE", toBase64(der)));
    } finally {
      der.fill(0);
    }
  }
  // Node wants an `x` and reads only `d`.
  return nodeCrypto.createPrivateKey({
    format: "jwk",
    key: { kty: "OKP", crv: okpNames[name], d: toBase64Url(bytes), x: "" },
  });
}

function pem(half: "PUBLIC" | "PRIVATE", base64: string): string {
  return `-----BEGIN ${half} KEY-----\n${base64}\n-----END ${half} KEY-----\n`;
}

function okpJwk(name: string, x: string): Jwk {
  return { kty: "OKP", crv: okpNames[name as EdwardsOrMontgomery], x };
}

function ecJwk(name: PrimeName, point: Uint8Array): Jwk {
  const half = (point.length - 1) / 2;
  return {
    kty: "EC",
    crv: ecNames[name],
    x: toBase64Url(point.subarray(1, 1 + half)),
    y: toBase64Url(point.subarray(1 + half)),
  };
}
