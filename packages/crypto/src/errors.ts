import { CoterieError } from "@coterie/base";
import type { ErrorDetails } from "@coterie/base";

/**
 * `bad-key`: a key that no honest party makes (off the curve, of low order, out of range). `bad-length`: an input of the wrong
 * size. `open-failed`: a ciphertext that does not open, whatever the reason. `unsupported`: an algorithm we do not have.
 * `exhausted`: an HPKE context has no sequence number left.
 */
export type CryptoErrorCode =
  | "crypto/bad-key"
  | "crypto/bad-length"
  | "crypto/open-failed"
  | "crypto/unsupported"
  | "crypto/exhausted";

/** Every failure of this package. Details name the input and its size, never its bytes. */
export class CryptoError extends CoterieError {
  declare readonly code: CryptoErrorCode;

  constructor(code: CryptoErrorCode, details?: ErrorDetails) {
    super(code, { disposition: code === "crypto/exhausted" ? "halt" : "reject", details });
  }
}

/** Refuses an input whose size differs from `length` bytes. */
export function requireLength(what: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) {
    throw new CryptoError("crypto/bad-length", { what, length: bytes.length, expected: length });
  }
}
