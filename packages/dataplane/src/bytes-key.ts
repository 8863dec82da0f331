interface Latin1Buffers {
  from(bytes: ArrayBufferLike, at: number, length: number): { latin1Slice(): string };
}

// @NOTE Node's Buffer is ten times as fast here as a TextDecoder, and this runs for every message.
const buffers = (globalThis as unknown as { Buffer?: Latin1Buffers }).Buffer;
const latin1 = new TextDecoder("latin1");

/** One character a byte: a key of a Map, for nothing else. */
export const bytesKey: (bytes: Uint8Array) => string =
  buffers === undefined
    ? (bytes) => latin1.decode(bytes)
    : ({ buffer, byteOffset, length }) => buffers.from(buffer, byteOffset, length).latin1Slice();
