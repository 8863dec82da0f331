import { concat, toUtf8, wipe } from "@coterie/base";
import { CryptoError, requireLength } from "./errors.ts";
import { labeled, labeledExpand, labeledExtract } from "./labeled.ts";
import type { Labeled } from "./labeled.ts";
import { labels } from "./labels.ts";
import type { CryptoProvider, DhName, HashName, KeyPair } from "./provider.ts";
import { isScalar } from "./strict/scalars.ts";
import { dhLengths } from "./strict/sizes.ts";
import { xWingDecapsulate, xWingEncapsulate, xWingKeyPair, xWingLengths } from "./x-wing.ts";

/** A key encapsulation mechanism of HPKE (RFC 9180 section 4). */
export interface Kem {
  readonly id: number;
  readonly encLength: number;
  readonly publicKeyLength: number;
  readonly privateKeyLength: number;
  generate(crypto: CryptoProvider): KeyPair;
  /** RFC 9180 section 7.1.3. */
  deriveKeyPair(crypto: CryptoProvider, ikm: Uint8Array): KeyPair;
  encapsulate(crypto: CryptoProvider, publicKey: Uint8Array): Encapsulated;
  /** `publicKey` saves deriving it where the caller has it at hand. */
  decapsulate(
    crypto: CryptoProvider,
    enc: Uint8Array,
    privateKey: Uint8Array,
    publicKey?: Uint8Array,
  ): Uint8Array;
}

interface Encapsulated {
  readonly enc: Uint8Array;
  readonly sharedSecret: Uint8Array;
}

/** X-Wing as XMTP numbers it in the HPKE suite (XWL-01); the final draft says 0x647A. */
export const xWingKemId = 0x004d;

const kems: ReadonlyMap<number, Kem> = new Map(
  [
    dhKem(0x10, "p256", "sha256"),
    dhKem(0x11, "p384", "sha384"),
    dhKem(0x12, "p521", "sha512"),
    dhKem(0x20, "x25519", "sha256"),
    dhKem(0x21, "x448", "sha512"),
    xWing(),
  ].map((kem) => [kem.id, kem]),
);

/** The KEM of a number; throws `crypto/unsupported`. */
export function kemOf(id: number): Kem {
  const kem = kems.get(id);
  if (kem === undefined) throw new CryptoError("crypto/unsupported", { what: "kem", id });
  return kem;
}

const none = new Uint8Array(0);

function dhKem(id: number, name: DhName, hash: HashName): Kem {
  const suiteId = concat(toUtf8(labels.hpkeKem), Uint8Array.of(id >> 8, id & 255));
  const kdf = labeled(hash, suiteId);
  const { privateKey: privateKeyLength, publicKey: publicKeyLength } = dhLengths[name];
  const secretLength = { sha256: 32, sha384: 48, sha512: 64 }[hash];

  /** Wipes the result of the exchange. */
  const shared = (crypto: CryptoProvider, dh: Uint8Array, context: Uint8Array): Uint8Array => {
    const prk = labeledExtract(crypto, kdf, none, "extractSecret", dh);
    const secret = labeledExpand(crypto, kdf, prk, "sharedSecret", context, secretLength);
    wipe(dh, prk);
    return secret;
  };

  return {
    id,
    encLength: publicKeyLength,
    publicKeyLength,
    privateKeyLength,
    generate: (crypto) => crypto.generateDh(name),

    deriveKeyPair(crypto, ikm) {
      const prk = labeledExtract(crypto, kdf, none, "deriveKeyPair", ikm);
      const privateKey =
        name === "x25519" || name === "x448"
          ? labeledExpand(crypto, kdf, prk, "privateKey", none, privateKeyLength)
          : deriveScalar(crypto, name, kdf, prk);
      prk.fill(0);
      return { privateKey, publicKey: crypto.dhPublicKey(name, privateKey) };
    },

    encapsulate(crypto, publicKey) {
      requireLength("public key", publicKey, publicKeyLength);
      const ephemeral = crypto.dhEphemeral(name, publicKey);
      const enc = ephemeral.publicKey;
      return { enc, sharedSecret: shared(crypto, ephemeral.shared, concat(enc, publicKey)) };
    },

    decapsulate(crypto, enc, privateKey, publicKey = crypto.dhPublicKey(name, privateKey)) {
      requireLength("enc", enc, publicKeyLength);
      return shared(crypto, crypto.dh(name, privateKey, enc), concat(enc, publicKey));
    },
  };
}

function deriveScalar(
  crypto: CryptoProvider,
  name: "p256" | "p384" | "p521",
  kdf: Labeled,
  prk: Uint8Array,
): Uint8Array {
  const length = dhLengths[name].privateKey;
  for (let counter = 0; counter < 256; counter++) {
    const info = Uint8Array.of(counter);
    const candidate = labeledExpand(crypto, kdf, prk, "candidate", info, length);
    if (name === "p521") candidate[0] = (candidate[0] as number) & 1;
    if (isScalar(name, candidate)) return candidate;
    candidate.fill(0);
  }
  throw new CryptoError("crypto/bad-key", { what: "ikm", algorithm: name });
}

/** The secret goes into the key schedule as it is, without a further extract (XWL-01). */
function xWing(): Kem {
  return {
    id: xWingKemId,
    encLength: xWingLengths.enc,
    publicKeyLength: xWingLengths.publicKey,
    privateKeyLength: xWingLengths.privateKey,
    generate: (crypto) => xWingKeyPair(crypto, crypto.bytes(xWingLengths.privateKey)),
    // Draft 06, section 5.6: DeriveKeyPair hashes the input to a seed.
    deriveKeyPair: (crypto, ikm) =>
      xWingKeyPair(crypto, crypto.shake256(ikm, xWingLengths.privateKey)),
    encapsulate: xWingEncapsulate,
    decapsulate: (crypto, enc, privateKey) => xWingDecapsulate(crypto, enc, privateKey),
  };
}
