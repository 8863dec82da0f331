import { equalConstantTime, fromHex, toHex } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { attachmentCodec } from "./attachment.ts";
import type { Attachment } from "./attachment.ts";
import { decodeContent, encodeContent } from "./encoded-content.ts";
import { badContent, present } from "./read.ts";
import type { RemoteAttachment } from "./remote-attachment.ts";

/** What {@link encryptAttachment} gives: `payload` to upload, the rest for the message, with the url and scheme it lies at. */
export interface EncryptedAttachment extends Omit<RemoteAttachment, "url" | "scheme"> {
  readonly payload: Uint8Array;
  readonly contentLength: number;
}

const none = new Uint8Array(0);
const secretBytes = 32;
const nonceBytes = 12;

function keyOf(crypto: CryptoProvider, secret: Uint8Array, salt: Uint8Array): Uint8Array {
  return crypto.hkdfExpand("sha256", crypto.hkdfExtract("sha256", salt, secret), none, 32);
}

/** Encrypts a file for an upload anywhere: AES-256-GCM under a key of its own (§7.3). */
export function encryptAttachment(
  attachment: Attachment,
  crypto: CryptoProvider,
): EncryptedAttachment {
  const secret = crypto.bytes(secretBytes);
  const salt = crypto.bytes(secretBytes);
  const nonce = crypto.bytes(nonceBytes);
  const plain = encodeContent(attachmentCodec.encode(attachment));
  const payload = crypto.aeadSeal("aes256gcm", keyOf(crypto, secret, salt), nonce, none, plain);
  return present({
    payload,
    contentDigest: toHex(crypto.hash("sha256", payload)),
    secret,
    salt,
    nonce,
    contentLength: payload.length,
    filename: attachment.filename,
  });
}

/**
 * Opens downloaded bytes with what the message says of them. Throws `client/bad-content` where they are not those that were meant, and
 * `crypto/open-failed`.
 */
export function decryptAttachment(
  encrypted: Uint8Array,
  remote: RemoteAttachment,
  crypto: CryptoProvider,
): Attachment {
  const digest = crypto.hash("sha256", encrypted);
  if (!/^[0-9a-f]{64}$/i.test(remote.contentDigest)) throw badContent("contentDigest");
  if (!equalConstantTime(digest, fromHex(remote.contentDigest))) throw badContent("contentDigest");
  if (remote.nonce.length !== nonceBytes) throw badContent("nonce");
  const key = keyOf(crypto, remote.secret, remote.salt);
  const content = decodeContent(crypto.aeadOpen("aes256gcm", key, remote.nonce, none, encrypted));
  return attachmentCodec.decode(content);
}
