import { wipe } from "@coterie/base";
import { labels } from "@coterie/crypto";
import type { CipherSuite, CryptoProvider } from "@coterie/crypto";
import { encodeWith } from "./codec.ts";
import { expandWithLabel } from "./crypto-labels.ts";
import { zeroSecret } from "./key-schedule.ts";
import { writePreSharedKeyId } from "./psk-types.ts";
import type { PreSharedKeyId } from "./types.ts";

/** A pre-shared key with the id that a commit or Welcome names it by. */
export interface PreSharedKey {
  readonly id: PreSharedKeyId;
  readonly secret: Uint8Array;
}

/** `psk_secret` of the PSKs in their order (RFC 9420 §8.4); zeros where there are none. */
export function derivePskSecret(
  crypto: CryptoProvider,
  suite: CipherSuite,
  psks: readonly PreSharedKey[],
): Uint8Array {
  let secret = zeroSecret(suite);
  for (const [index, psk] of psks.entries()) {
    const extracted = crypto.hkdfExtract(suite.hash, zeroSecret(suite), psk.secret);
    const label = encodeWith((w, id) => {
      writePreSharedKeyId(w, id);
      w.u16(index);
      w.u16(psks.length);
    }, psk.id);
    const input = expandWithLabel(
      crypto,
      suite,
      extracted,
      labels.mlsSecret.psk,
      label,
      suite.hashLength,
    );
    const before = secret;
    secret = crypto.hkdfExtract(suite.hash, input, before);
    wipe(extracted, input, before);
  }
  return secret;
}
