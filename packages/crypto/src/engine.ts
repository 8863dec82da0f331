import type { AeadName, DhName, HashName, SignatureName } from "./provider.ts";

/** The public half of a key that lived for one exchange, and what came of it. */
export interface Ephemeral {
  readonly publicKey: Uint8Array;
  readonly shared: Uint8Array;
}

/**
 * The bare primitives of one platform, called only by {@link strictProvider}, which has checked every length, range and encoding before.
 * What an engine still refuses it answers with `undefined` or `false`; it never throws for bad input.
 */
export interface Engine {
  readonly name: string;
  bytes(length: number): Uint8Array<ArrayBuffer>;
  hash(name: HashName, data: Uint8Array): Uint8Array;
  hmac(name: HashName, key: Uint8Array, data: Uint8Array): Uint8Array;
  keccak256(data: Uint8Array): Uint8Array;
  sha3_256(data: Uint8Array): Uint8Array;
  shake256(data: Uint8Array, length: number): Uint8Array;
  aeadSeal(
    name: AeadName,
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
  ): Uint8Array;
  aeadOpen(
    name: AeadName,
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    ciphertext: Uint8Array,
  ): Uint8Array | undefined;
  dhPublicKey(name: DhName, privateKey: Uint8Array): Uint8Array;
  dh(name: DhName, privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;
  /** Where it is cheaper than a key pair and `dh`. */
  dhEphemeral?(name: DhName, publicKey: Uint8Array): Ephemeral | undefined;
  signaturePublicKey(name: SignatureName, privateKey: Uint8Array): Uint8Array;
  /** Raw for the Edwards curves, DER for ECDSA. */
  sign(name: SignatureName, privateKey: Uint8Array, message: Uint8Array): Uint8Array;
  /** ECDSA signatures arrive as R‖S of full length. */
  verify(
    name: SignatureName,
    publicKey: Uint8Array,
    message: Uint8Array,
    signature: Uint8Array,
  ): boolean;
  ed25519phSign(privateKey: Uint8Array, message: Uint8Array, context: Uint8Array): Uint8Array;
  ed25519phVerify(
    publicKey: Uint8Array,
    message: Uint8Array,
    context: Uint8Array,
    signature: Uint8Array,
  ): boolean;
  secp256k1PublicKey(privateKey: Uint8Array): Uint8Array;
  /** R, S and the recovery bit. */
  secp256k1Sign(
    privateKey: Uint8Array,
    digest: Uint8Array,
  ): { readonly compact: Uint8Array; readonly recovery: number };
  secp256k1Recover(
    digest: Uint8Array,
    signature: Uint8Array,
    recovery: 0 | 1,
  ): Uint8Array | undefined;
  mlKem768PublicKey(seed: Uint8Array): Uint8Array;
  mlKem768Encapsulate(
    publicKey: Uint8Array,
  ): { readonly ciphertext: Uint8Array; readonly sharedSecret: Uint8Array } | undefined;
  mlKem768Decapsulate(seed: Uint8Array, ciphertext: Uint8Array): Uint8Array;
}
