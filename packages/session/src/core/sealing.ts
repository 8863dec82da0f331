import { fromUtf8, toUtf8 } from "@coterie/base";
import { noMetadata } from "./command.ts";
import type { Payload } from "./port.ts";

// SML-12: beside MLS, which seals the payload alone, a session of ours may put type and metadata into it.

export const sealedType = "application/vnd.slim.sealed";
/** Metadata of a session whose members are to do so, and what it says. */
export const sealKey = "slim.seal";
export const sealOn = "1";
const lengthBytes = 4;

/** `u32 length ‖ {"type", "metadata"} ‖ payload`, little-endian. */
export function sealContent({ payloadType, metadata, payload }: Payload): Payload {
  const head = toUtf8(JSON.stringify({ type: payloadType, metadata: [...metadata] }));
  const blob = new Uint8Array(lengthBytes + head.length + payload.length);
  new DataView(blob.buffer).setUint32(0, head.length, true);
  blob.set(head, lengthBytes);
  blob.set(payload, lengthBytes + head.length);
  return { payloadType: sealedType, payload: blob, metadata: noMetadata };
}

/** Undefined: it is not of this form. */
export function openContent(blob: Uint8Array): Payload | undefined {
  if (blob.length < lengthBytes) return undefined;
  const length = new DataView(blob.buffer, blob.byteOffset).getUint32(0, true);
  if (length > blob.length - lengthBytes) return undefined;
  let head: unknown;
  try {
    head = JSON.parse(fromUtf8(blob.subarray(lengthBytes, lengthBytes + length)));
  } catch {
    return undefined;
  }
  if (typeof head !== "object" || head === null) return undefined;
  const { type, metadata } = head as Record<string, unknown>;
  if (typeof type !== "string" || !Array.isArray(metadata) || !metadata.every(isPair)) {
    return undefined;
  }
  return {
    payloadType: type,
    payload: blob.subarray(lengthBytes + length),
    metadata: new Map(metadata),
  };
}

function isPair(value: unknown): value is [string, string] {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    typeof value[0] === "string" &&
    typeof value[1] === "string"
  );
}
