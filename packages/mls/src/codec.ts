import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

/** The bytes that `write` produces. */
export function encodeWith<T>(
  write: (writer: Writer, value: T) => void,
  value: T,
  sizeHint?: number,
): Uint8Array<ArrayBuffer> {
  const writer = new Writer(sizeHint);
  write(writer, value);
  return writer.finish();
}

/** One whole structure: nothing may follow it. */
export function decodeWith<T>(read: (reader: Reader) => T, bytes: Uint8Array): T {
  const reader = new Reader(bytes);
  const value = read(reader);
  reader.expectEnd();
  return value;
}

export { badValue, Reader } from "./reader.ts";
export { Writer } from "./writer.ts";
