import { concat, idFromBytes, toUtf8 } from "@coterie/base";
import type { MessageId } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";

const tab = new Uint8Array([9]);

/** XMS-03: the id of a message, the same for all members. `content` is the encoded EncodedContent. */
export function messageId(
  crypto: CryptoProvider,
  groupId: Uint8Array,
  idempotencyKey: string,
  content: Uint8Array,
): MessageId {
  return idFromBytes(
    crypto.hash("sha256", concat(groupId, tab, toUtf8(idempotencyKey), tab, content)),
  );
}
