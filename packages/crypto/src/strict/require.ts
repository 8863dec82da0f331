import { CryptoError, requireLength } from "../errors.ts";
import type { SignatureName } from "../provider.ts";
import { isScalar } from "./scalars.ts";

export function requirePrivateKey(
  name: SignatureName | "x25519" | "x448" | "secp256k1",
  privateKey: Uint8Array,
  length: number,
): void {
  requireLength("private key", privateKey, length);
  switch (name) {
    case "p256":
    case "p384":
    case "p521":
    case "secp256k1":
      if (!isScalar(name, privateKey)) {
        throw new CryptoError("crypto/bad-key", { what: "private key", algorithm: name });
      }
      break;
    default: // Every string of the right length is a private key of the Edwards and Montgomery curves.
  }
}

/** Checked before anything is allocated. */
export function requireOutput(what: string, length: number, max: number): void {
  if (!Number.isSafeInteger(length) || length < 0 || length > max) {
    throw new CryptoError("crypto/bad-length", { what, length, max });
  }
}

export function requireContext(context: Uint8Array): void {
  if (context.length > 255) {
    throw new CryptoError("crypto/bad-length", { what: "context", length: context.length });
  }
}

export function badPublicKey(algorithm: string): CryptoError {
  return new CryptoError("crypto/bad-key", { what: "public key", algorithm });
}

/** What a table says of an algorithm; names reach us from numbers on the wire, so an unknown one is not a bug. */
export function sizeOf<K extends string, V>(
  table: Readonly<Record<K, V>>,
  name: K,
  what: string,
): V {
  if (!Object.hasOwn(table, name)) throw new CryptoError("crypto/unsupported", { what, name });
  return table[name];
}
