import { concat, toHex, toUtf8 } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { Signature } from "@coterie/wire";
import type { VerifiedSignature } from "./verified-signature.ts";

/** Signatures that were verified, by the content they were verified over. */
export interface SignatureCache {
  get(key: string): VerifiedSignature | undefined;
  set(key: string, signature: VerifiedSignature): void;
}

/** A cache that forgets the oldest entry first; failures are never kept. About 400 bytes per entry. */
export function createSignatureCache(maxEntries: number = 4096): SignatureCache {
  const entries = new Map<string, VerifiedSignature>();
  return {
    get: (key) => entries.get(key),
    set(key, signature) {
      if (maxEntries <= 0) return;
      if (entries.size >= maxEntries && !entries.has(key)) {
        for (const oldest of entries.keys()) {
          entries.delete(oldest);
          break;
        }
      }
      entries.set(key, signature);
    },
  };
}

/** Hash of text and signature together: a signature is good for one text alone. */
export function signatureCacheKey(
  crypto: CryptoProvider,
  text: string,
  signature: Signature,
): string {
  const textHash = crypto.hash("sha256", toUtf8(text));
  return toHex(crypto.hash("sha256", concat(textHash, Signature.encode(signature))));
}
