import { decodeWith } from "./codec.ts";
import type { Reader, Writer } from "./codec.ts";
import { beforeSignature, encodingOf, remember } from "./encoded.ts";
import { readExtensions, readLeafNode, writeExtensions, writeLeafNode } from "./leaf-node.ts";
import type { KeyPackage, UnsignedKeyPackage } from "./types.ts";

/** KeyPackageTBS (RFC 9420 §10). */
export function writeKeyPackageTbs(w: Writer, keyPackage: UnsignedKeyPackage): void {
  w.u16(keyPackage.version);
  w.u16(keyPackage.cipherSuite);
  w.opaque(keyPackage.initKey);
  writeLeafNode(w, keyPackage.leafNode);
  writeExtensions(w, keyPackage.extensions);
}

function writeWholeKeyPackage(w: Writer, keyPackage: KeyPackage): void {
  writeKeyPackageTbs(w, keyPackage);
  w.opaque(keyPackage.signature);
}

/** The bare structure, without the MLSMessage around it. Received bytes come back as they were. */
export function encodeKeyPackage(keyPackage: KeyPackage): Uint8Array {
  return encodingOf(keyPackage, writeWholeKeyPackage);
}

/** Reads a bare KeyPackage; checks its form, not its signatures (see `verifyKeyPackage`). */
export function decodeKeyPackage(bytes: Uint8Array): KeyPackage {
  return decodeWith(readKeyPackage, bytes);
}

/** What the signature of a key package covers. */
export function keyPackageTbsBytes(keyPackage: KeyPackage): Uint8Array {
  return beforeSignature(encodeKeyPackage(keyPackage), keyPackage.signature);
}

export function writeKeyPackage(w: Writer, keyPackage: KeyPackage): void {
  w.bytes(encodeKeyPackage(keyPackage));
}

export function readKeyPackage(r: Reader): KeyPackage {
  const start = r.offset;
  const keyPackage: KeyPackage = {
    version: r.u16(),
    cipherSuite: r.u16(),
    initKey: r.opaque(),
    leafNode: readLeafNode(r),
    extensions: readExtensions(r),
    signature: r.opaque(),
  };
  return remember(keyPackage, r.since(start));
}
