import type { Random } from "@coterie/base";

export type HashName = "sha256" | "sha384" | "sha512";
export type AeadName = "aes128gcm" | "aes256gcm" | "chacha20poly1305";
export type DhName = "x25519" | "p256" | "p384" | "p521" | "x448";
export type SignatureName = "ed25519" | "p256" | "p384" | "p521" | "ed448";

/**
 * A key pair in the encodings of RFC 9420 (MLS-06). Public: 32 (X25519, Ed25519), 56 (X448), 57 (Ed448) raw bytes or an
 * uncompressed SEC1 point of 65, 97 or 133 bytes. Private: the raw scalar or seed, big endian and of full length for P curves.
 */
export interface KeyPair {
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
}

/** A signature that somebody will ask about. */
export interface SignatureClaim {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * Hints, in the order in which the calls will come. They change no answer and may be ignored. Good until the caller returns to the event
 * loop; the bytes must stay as they are until then.
 */
export interface Ahead {
  verify(name: SignatureName, claims: readonly SignatureClaim[]): void;
  dhEphemeral(name: DhName, publicKeys: readonly Uint8Array[]): void;
}

/**
 * All cryptography that the protocol packages use, synchronous. Providers agree on every verdict: what one accepts all accept
 * (rule MLS-07), so that members on different platforms never split a group. Inputs are never kept and never changed.
 *
 * Failures throw a `CryptoError` (codes `crypto/bad-key`, `crypto/bad-length`, `crypto/open-failed`, `crypto/unsupported`, …), but `verify…`
 * answers `false` for whatever is not a valid signature, malformed keys and signatures included.
 */
export interface CryptoProvider extends Random {
  /** `noble` or `openssl`; for logs and benchmarks. */
  readonly name: string;
  /** Where there are helpers (`@coterie/crypto/pool`): tell them of work that is about to be asked for. */
  readonly ahead?: Ahead;

  hash(name: HashName, data: Uint8Array): Uint8Array;
  hmac(name: HashName, key: Uint8Array, data: Uint8Array): Uint8Array;
  /** RFC 5869. An empty salt stands for a block of zeros. */
  hkdfExtract(name: HashName, salt: Uint8Array, ikm: Uint8Array): Uint8Array;
  /** RFC 5869; `length` at most 255 times the hash's. */
  hkdfExpand(name: HashName, prk: Uint8Array, info: Uint8Array, length: number): Uint8Array;
  /** Keccak-256 as Ethereum uses it (not SHA3-256). */
  keccak256(data: Uint8Array): Uint8Array;
  /** SHA3-256 (FIPS 202), for X-Wing. */
  sha3_256(data: Uint8Array): Uint8Array;
  /** SHAKE256 (FIPS 202) with an output of `length` bytes, for X-Wing. */
  shake256(data: Uint8Array, length: number): Uint8Array;

  /** Ciphertext followed by the 16-byte tag. Nonce of 12 bytes. */
  aeadSeal(
    name: AeadName,
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
  ): Uint8Array;
  /** Throws `crypto/open-failed`, the same for every way to fail. */
  aeadOpen(
    name: AeadName,
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    ciphertext: Uint8Array,
  ): Uint8Array;

  generateDh(name: DhName): KeyPair;
  dhPublicKey(name: DhName, privateKey: Uint8Array): Uint8Array;
  /** Shared secret: the raw X25519/X448 output, or the x coordinate. Refuses low-order points and an all-zero result. */
  dh(name: DhName, privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array;
  /** `dh` with a fresh key that lives for this call alone: its public half and the shared secret. Every HPKE seal needs one. */
  dhEphemeral(
    name: DhName,
    publicKey: Uint8Array,
  ): { readonly publicKey: Uint8Array; readonly shared: Uint8Array };

  generateSigner(name: SignatureName): KeyPair;
  signaturePublicKey(name: SignatureName, privateKey: Uint8Array): Uint8Array;
  /** 64 or 114 raw bytes for the Edwards curves, DER for ECDSA (hash of the curve's size). */
  sign(name: SignatureName, privateKey: Uint8Array, message: Uint8Array): Uint8Array;
  verify(
    name: SignatureName,
    publicKey: Uint8Array,
    message: Uint8Array,
    signature: Uint8Array,
  ): boolean;

  /** Ed25519ph (RFC 8032 section 5.1) with a context of at most 255 bytes. */
  ed25519phSign(privateKey: Uint8Array, message: Uint8Array, context: Uint8Array): Uint8Array;
  ed25519phVerify(
    publicKey: Uint8Array,
    message: Uint8Array,
    context: Uint8Array,
    signature: Uint8Array,
  ): boolean;

  /** Uncompressed secp256k1 public key, 65 bytes. */
  secp256k1PublicKey(privateKey: Uint8Array): Uint8Array;
  /** Signature over a 32-byte digest (RFC 6979, low S): R, S and V of 27 or 28, 65 bytes. */
  secp256k1Sign(privateKey: Uint8Array, digest: Uint8Array): Uint8Array;
  /** The uncompressed public key that made a 64-byte R‖S with this recovery bit, or undefined where there is none. */
  secp256k1Recover(
    digest: Uint8Array,
    signature: Uint8Array,
    recovery: 0 | 1,
  ): Uint8Array | undefined;

  /** ML-KEM-768 (FIPS 203) from the 64-byte seed d‖z, for X-Wing. */
  mlKem768PublicKey(seed: Uint8Array): Uint8Array;
  mlKem768Encapsulate(publicKey: Uint8Array): {
    readonly ciphertext: Uint8Array;
    readonly sharedSecret: Uint8Array;
  };
  mlKem768Decapsulate(seed: Uint8Array, ciphertext: Uint8Array): Uint8Array;
}
