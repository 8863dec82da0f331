import { decompressP256 } from "@coterie/crypto";
import type { CryptoProvider } from "@coterie/crypto";
import { headerIntegrityAad } from "@coterie/wire/slim";
import type { SessionHeader, SLIMHeader } from "@coterie/wire/slim";

/**
 * Whether a command was signed by the key that its token names (SSG-01): over its names, its token and its ids, so that none of
 * them can be exchanged. Keys of 32 bytes are Ed25519, of 33 or 65 P-256 (SSG-06).
 */
export function verifyControlSignature(
  crypto: CryptoProvider,
  publicKey: Uint8Array,
  header: SLIMHeader,
  session: SessionHeader,
): boolean {
  const { e2eHeaderSig: signature } = header;
  if (signature === undefined) return false;
  const signed = headerIntegrityAad(header, session, "");
  if (publicKey.length === 32) return crypto.verify("ed25519", publicKey, signed, signature);
  const point = decompressP256(publicKey);
  return point !== undefined && crypto.verify("p256", point, signed, signature);
}
