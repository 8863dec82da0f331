import { Status } from "./transport.ts";
import { TransportError, type Sent } from "./errors.ts";

/** Flag (1 byte) and big-endian length (4 bytes) in front of every message (XND-01). */
export const frameHeaderBytes = 5;

/** Writes the header of an uncompressed frame into `target` at `at`. */
export function writeFrameHeader(target: Uint8Array, at: number, length: number): void {
  target[at] = 0;
  target[at + 1] = length >>> 24;
  target[at + 2] = length >>> 16;
  target[at + 3] = length >>> 8;
  target[at + 4] = length;
}

/** One message as a gRPC frame. */
export function encodeFrame(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(frameHeaderBytes + message.length);
  writeFrameHeader(out, 0, message.length);
  out.set(message, frameHeaderBytes);
  return out;
}

export interface FrameReaderOptions {
  /** Largest message taken; a longer one fails as soon as its header is read, before anything is allocated for it. */
  readonly maxBytes: number;
  /** What the errors thrown here say about the request. */
  readonly sent: Sent;
  /** Called before `bytes` more (or fewer, if negative) are held for an unfinished message. May throw to refuse. */
  readonly reserve?: ((bytes: number) => void) | undefined;
  /** Takes a frame of trailers (flag 0x80, XND-06). Without it such a frame is malformed. */
  readonly trailers?: ((block: Uint8Array) => void) | undefined;
}

/** Marks the frame at the end of a gRPC-web answer that holds its trailers as text (XND-06). */
export const trailersFlag = 0x80;

/**
 * Cuts a byte stream into messages. A message that lies whole in one chunk shares the chunk's memory: who keeps a small one
 * for long copies it. Throws `transport/too-large` and `transport/bad-frame`, after which the reader is of no more use.
 */
export interface FrameReader {
  /** Takes the next bytes and hands each message that they complete to `take`, in order. */
  push(chunk: Uint8Array, take: (message: Uint8Array) => void): void;
  /** Tells that no more bytes come; throws if they stopped inside a frame. */
  end(): void;
  /** Gives back what was reserved. For streams that end early. */
  release(): void;
  /** More bytes of a message are to come. */
  readonly unfinished: boolean;
}

export function createFrameReader(options: FrameReaderOptions): FrameReader {
  const header = new Uint8Array(frameHeaderBytes);
  let headerLength = 0;
  let body: Uint8Array | undefined;
  let bodyLength = 0;
  let need = 0;
  let flag = 0;

  function grow(filled: number): void {
    // Memory follows what came, not what the header claims, and small chunks do not each keep a buffer of their own.
    const held = body?.length ?? 0;
    if (filled <= held) return;
    const size = filled * 4 >= need ? need : Math.min(need, Math.max(filled, held * 2, 1024));
    options.reserve?.(size - held);
    const larger = new Uint8Array(size);
    if (body) larger.set(body.subarray(0, bodyLength));
    body = larger;
  }

  function deliver(message: Uint8Array, take: (message: Uint8Array) => void): void {
    if (flag === trailersFlag) options.trailers?.(message);
    else take(message);
  }

  function release(): void {
    if (body) options.reserve?.(-body.length);
    body = undefined;
    bodyLength = 0;
  }

  function push(chunk: Uint8Array, take: (message: Uint8Array) => void): void {
    const end = chunk.length;
    let at = 0;
    while (at < end) {
      if (headerLength < frameHeaderBytes) {
        if (headerLength === 0 && end - at >= frameHeaderBytes) {
          flag = chunk[at] as number;
          need = readHeader(chunk, at, options);
          at += frameHeaderBytes;
          headerLength = frameHeaderBytes;
        } else {
          header[headerLength++] = chunk[at++] as number;
          if (headerLength < frameHeaderBytes) continue;
          flag = header[0] as number;
          need = readHeader(header, 0, options);
        }
        if (need > 0 && at === end) return;
      }
      if (bodyLength === 0 && end - at >= need) {
        headerLength = 0;
        const message = new Uint8Array(chunk.buffer, chunk.byteOffset + at, need);
        at += need;
        deliver(message, take);
        continue;
      }
      const part = Math.min(need - bodyLength, end - at);
      grow(bodyLength + part);
      const target = body as Uint8Array;
      target.set(chunk.subarray(at, at + part), bodyLength);
      bodyLength += part;
      at += part;
      if (bodyLength === need) {
        headerLength = 0;
        release();
        deliver(target, take);
      }
    }
  }

  function end(): void {
    if (headerLength === 0) return;
    release();
    throw new TransportError(Status.internal, {
      sent: options.sent,
      code: "transport/bad-frame",
      details: { rule: "XND-01", missing: "end" },
    });
  }

  return {
    push,
    end,
    release,
    get unfinished() {
      return headerLength > 0;
    },
  };
}

function readHeader(bytes: Uint8Array, at: number, options: FrameReaderOptions): number {
  const flag = bytes[at] as number;
  if (flag !== 0 && !(flag === trailersFlag && options.trailers)) {
    // XND-05: identity encoding only.
    throw new TransportError(flag === 1 ? Status.unimplemented : Status.internal, {
      sent: options.sent,
      code: "transport/bad-frame",
      details: { rule: "XND-05", flag },
    });
  }
  const length =
    (bytes[at + 1] as number) * 0x1_00_00_00 +
    (((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 8) |
      (bytes[at + 4] as number));
  if (length > options.maxBytes) {
    throw new TransportError(Status.resourceExhausted, {
      sent: options.sent,
      code: "transport/too-large",
      details: { rule: "XND-05", limit: options.maxBytes, size: length },
    });
  }
  return length;
}
