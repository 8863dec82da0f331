import { decodeWith, encodeWith } from "./codec.ts";
import type { Reader, Writer } from "./codec.ts";
import { MlsError } from "./errors.ts";
import { readCredential, writeCredential } from "./leaf-node.ts";
import { limits } from "./limits.ts";
import { extensionTypes } from "./registry.ts";
import { findExtension } from "./required-capabilities.ts";
import type { Credential, Extension } from "./types.ts";

/** Somebody outside of the group who may send proposals to it (RFC 9420 §12.1.8.1). */
export interface ExternalSender {
  readonly signatureKey: Uint8Array;
  readonly credential: Credential;
}

function write(w: Writer, sender: ExternalSender): void {
  w.opaque(sender.signatureKey);
  writeCredential(w, sender.credential);
}

function read(r: Reader): ExternalSender {
  return { signatureKey: r.opaque(), credential: readCredential(r) };
}

/** The content of an `external_senders` extension. */
export function encodeExternalSenders(senders: readonly ExternalSender[]): Uint8Array<ArrayBuffer> {
  return encodeWith((w, all) => w.vector(all, write), senders);
}

export function decodeExternalSenders(bytes: Uint8Array): ExternalSender[] {
  return decodeWith((r) => r.vector(read, limits.extensions), bytes);
}

/** Throws `mls/unknown-sender` where the context lists no such sender. */
export function externalSenderAt(
  extensions: readonly Extension[],
  senderIndex: number,
): ExternalSender {
  const listed = findExtension(extensions, extensionTypes.externalSenders);
  const sender = listed && decodeExternalSenders(listed.data)[senderIndex];
  if (!sender) throw new MlsError("mls/unknown-sender", { senderIndex });
  return sender;
}
