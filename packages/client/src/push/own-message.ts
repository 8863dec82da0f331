import { equalConstantTime } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import type { HmacKey } from "./hmac-keys.ts";

/**
 * XPU-05: whether somebody who knows these keys sent the message, so that their devices need no push for it. `data` and `senderHmac` are
 * the fields of the node's GroupMessage; nothing in them can be read by whoever asks.
 */
export function isOwnMessage(
  crypto: CryptoProvider,
  keys: readonly HmacKey[],
  message: { readonly data: Uint8Array; readonly senderHmac: Uint8Array },
): boolean {
  // All are tried, so that time tells nothing about which one it was.
  let own = false;
  for (const { key } of keys) {
    own = equalConstantTime(crypto.hmac("sha256", key, message.data), message.senderHmac) || own;
  }
  return own;
}
