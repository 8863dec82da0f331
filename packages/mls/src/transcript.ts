import { concat, equalConstantTime } from "@coterie/base";
import type { CipherSuite, CryptoProvider } from "@coterie/crypto";
import { encodeWith } from "./codec.ts";
import { writeFramedContent } from "./framing-types.ts";
import { wireFormats } from "./registry.ts";
import type { FramedContent } from "./types.ts";

/** What of a commit goes into the confirmed transcript hash (RFC 9420 §8.2). */
export interface ConfirmedInput {
  readonly wireFormat: "public" | "private";
  readonly content: FramedContent;
  readonly signature: Uint8Array;
}

export function confirmedTranscriptHash(
  crypto: CryptoProvider,
  suite: CipherSuite,
  interimBefore: Uint8Array,
  commit: ConfirmedInput,
): Uint8Array {
  const input = encodeWith((w, { wireFormat, content, signature }) => {
    w.bytes(interimBefore);
    w.u16(wireFormats[wireFormat]);
    writeFramedContent(w, content);
    w.opaque(signature);
  }, commit);
  return crypto.hash(suite.hash, input);
}

export function interimTranscriptHash(
  crypto: CryptoProvider,
  suite: CipherSuite,
  confirmed: Uint8Array,
  confirmationTag: Uint8Array,
): Uint8Array {
  const tag = encodeWith((w, value) => w.opaque(value), confirmationTag);
  return crypto.hash(suite.hash, concat(confirmed, tag));
}

/** MAC of the confirmed transcript hash under the epoch's confirmation key (RFC 9420 §6.1). */
export function confirmationTag(
  crypto: CryptoProvider,
  suite: CipherSuite,
  confirmationKey: Uint8Array,
  confirmed: Uint8Array,
): Uint8Array {
  return crypto.hmac(suite.hash, confirmationKey, confirmed);
}

/** Compares a received tag in constant time; an empty or cut one has the wrong length and never fits. */
export function tagFits(expected: Uint8Array, received: Uint8Array | undefined): boolean {
  return received !== undefined && equalConstantTime(expected, received);
}
