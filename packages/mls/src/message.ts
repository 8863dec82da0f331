import { unreachable } from "@coterie/base";
import { badValue, decodeWith, encodeWith, Reader } from "./codec.ts";
import type { Writer } from "./codec.ts";
import {
  readContentType,
  readPrivateMessage,
  readPublicMessage,
  readSender,
  writePrivateMessage,
  writePublicMessage,
} from "./framing-types.ts";
import { readKeyPackage, writeKeyPackage } from "./key-package.ts";
import { mls10, nameOf, wireFormats } from "./registry.ts";
import type { ContentType, MlsMessage, WireFormat } from "./types.ts";
import { readGroupInfo, readWelcome, writeGroupInfo, writeWelcome } from "./welcome-types.ts";

function writeMlsMessage(w: Writer, message: MlsMessage): void {
  w.u16(mls10);
  w.u16(wireFormats[message.kind]);
  switch (message.kind) {
    case "public":
      return writePublicMessage(w, message.message);
    case "private":
      return writePrivateMessage(w, message.message);
    case "welcome":
      return writeWelcome(w, message.welcome);
    case "group-info":
      return writeGroupInfo(w, message.groupInfo);
    case "key-package":
      return writeKeyPackage(w, message.keyPackage);
    default:
      return unreachable(message);
  }
}

function readMlsMessage(r: Reader): MlsMessage {
  const kind = readHeader(r);
  switch (kind) {
    case "public":
      return { kind, message: readPublicMessage(r) };
    case "private":
      return { kind, message: readPrivateMessage(r) };
    case "welcome":
      return { kind, welcome: readWelcome(r) };
    case "group-info":
      return { kind, groupInfo: readGroupInfo(r) };
    case "key-package": {
      const keyPackage = readKeyPackage(r);
      // RFC 9420 §10: the versions inside and around a key package agree.
      if (keyPackage.version !== mls10) throw badValue("version", keyPackage.version);
      return { kind, keyPackage };
    }
    default:
      return unreachable(kind);
  }
}

/** One MLSMessage (RFC 9420 §6) as bytes. */
export function encodeMlsMessage(message: MlsMessage, sizeHint?: number): Uint8Array<ArrayBuffer> {
  return encodeWith(writeMlsMessage, message, sizeHint);
}

/** Reads one whole MLSMessage. Its fields are views into `bytes`, which must not be overwritten afterwards. */
export function decodeMlsMessage(bytes: Uint8Array): MlsMessage {
  return decodeWith(readMlsMessage, bytes);
}

/** What a server or a cursor may know of a message without keys. Group id and epoch only where the wire shows them. */
export interface MessagePeek {
  readonly wireFormat: WireFormat;
  readonly groupId?: Uint8Array;
  readonly epoch?: bigint;
  readonly contentType?: ContentType;
}

/** Reads only the first fields of an MLSMessage; the rest may be anything. Throws as the decoders do. */
export function peekMessage(bytes: Uint8Array): MessagePeek {
  const r = new Reader(bytes);
  const wireFormat = readHeader(r);
  if (wireFormat === "private") {
    return { wireFormat, groupId: r.opaque(), epoch: r.u64(), contentType: readContentType(r) };
  }
  if (wireFormat === "public") {
    const groupId = r.opaque();
    const epoch = r.u64();
    readSender(r);
    r.opaque();
    return { wireFormat, groupId, epoch, contentType: readContentType(r) };
  }
  if (wireFormat === "group-info") {
    r.u16();
    r.u16();
    return { wireFormat, groupId: r.opaque(), epoch: r.u64() };
  }
  return { wireFormat };
}

function readHeader(r: Reader): WireFormat {
  const version = r.u16();
  if (version !== mls10) throw badValue("version", version);
  const number = r.u16();
  const format = nameOf(wireFormats, number);
  if (format === undefined) throw badValue("wire_format", number);
  return format;
}
