import type { AeadName, DhName, HashName, SignatureName } from "../provider.ts";

/** Bytes of a digest. */
export const hashLengths: Readonly<Record<HashName, number>> = {
  sha256: 32,
  sha384: 48,
  sha512: 64,
};

/** Bytes of an AEAD key. */
export const aeadKeyLengths: Readonly<Record<AeadName, number>> = {
  aes128gcm: 16,
  aes256gcm: 32,
  chacha20poly1305: 32,
};

export const aeadNonceLength = 12;
export const aeadTagLength = 16;

/** Bytes of a Diffie-Hellman private and public key (MLS-06). */
export const dhLengths: Readonly<
  Record<DhName, { readonly privateKey: number; readonly publicKey: number }>
> = {
  x25519: { privateKey: 32, publicKey: 32 },
  x448: { privateKey: 56, publicKey: 56 },
  p256: { privateKey: 32, publicKey: 65 },
  p384: { privateKey: 48, publicKey: 97 },
  p521: { privateKey: 66, publicKey: 133 },
};

/** Bytes of a signing private and public key (MLS-06). */
export const signerLengths: Readonly<
  Record<SignatureName, { readonly privateKey: number; readonly publicKey: number }>
> = {
  ed25519: { privateKey: 32, publicKey: 32 },
  ed448: { privateKey: 57, publicKey: 57 },
  p256: dhLengths.p256,
  p384: dhLengths.p384,
  p521: dhLengths.p521,
};

/** ML-KEM-768 (FIPS 203). */
export const mlKem768Lengths = { seed: 64, publicKey: 1184, ciphertext: 1088 } as const;
