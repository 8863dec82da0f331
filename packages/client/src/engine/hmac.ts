import { concat, toUtf8 } from "@coterie/base";
import { labels } from "@coterie/crypto";
import type { CryptoProvider } from "@coterie/crypto";

const salt = toUtf8(labels.xmtpHmacKeySalt);
const periodSeconds = 2_592_000n;
/** XPU-01: the length of the root and of each group's key. */
export const hmacKeyBytes = 42;

/** XPU-02: the 30-day period that a time falls in. */
export function hmacEpoch(nowNs: bigint): bigint {
  return nowNs / 1_000_000_000n / periodSeconds;
}

/** XPU-03: the key of one group in one period. */
export function hmacKey(
  crypto: CryptoProvider,
  root: Uint8Array,
  groupId: Uint8Array,
  epoch: bigint,
): Uint8Array {
  const period = new Uint8Array(8);
  new DataView(period.buffer).setBigInt64(0, epoch, true);
  const prk = crypto.hkdfExtract("sha256", salt, concat(root, groupId));
  return crypto.hkdfExpand("sha256", prk, concat(groupId, period), hmacKeyBytes);
}

/** XPU-04: lets a push server know the sender's own devices without knowing the sender. */
export function senderHmac(
  crypto: CryptoProvider,
  root: Uint8Array,
  groupId: Uint8Array,
  nowNs: bigint,
  message: Uint8Array,
): Uint8Array {
  return crypto.hmac("sha256", hmacKey(crypto, root, groupId, hmacEpoch(nowNs)), message);
}
