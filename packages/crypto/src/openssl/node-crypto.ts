// The one door to the platform of this provider: everything else in the package runs everywhere.
// oxlint-disable-next-line import/no-nodejs-modules
import nodeCrypto from "node:crypto";
// oxlint-disable-next-line import/no-nodejs-modules
import { Buffer } from "node:buffer";
import type { ECDH, KeyObject } from "node:crypto";

export { Buffer, nodeCrypto };
export type { ECDH, KeyObject };

/**
 * Node's results as a plain Uint8Array, whose `slice` copies, unlike that of Buffer. Memory that Node shares between buffers is copied out,
 * so that no result reaches a neighbour through its `buffer`.
 */
export function plain(buffer: Buffer): Uint8Array<ArrayBuffer> {
  return buffer.byteLength === buffer.buffer.byteLength
    ? new Uint8Array(buffer.buffer as ArrayBuffer)
    : new Uint8Array(buffer);
}

export function toBase64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url");
}

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, "base64url"));
}
