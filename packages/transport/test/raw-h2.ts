import * as net from "node:net";

/** HTTP/2 by hand, for saying what no library would. */

export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
export const Type = {
  data: 0,
  headers: 1,
  rst: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const endStream = 1;
export const endHeaders = 4;

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

function integer(prefixBits: number, first: number, value: number): number[] {
  const max = 2 ** prefixBits - 1;
  if (value < max) return [first | value];
  const out = [first | max];
  for (value -= max; value >= 128; value >>>= 7) out.push((value & 127) | 128);
  out.push(value);
  return out;
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from(integer(7, 0, value.length)), Buffer.from(value)]);
}

/** HPACK literals; `indexed` puts them into the peer's dynamic table. */
export function field(name: string, value: string, indexed = false): Buffer {
  return Buffer.concat([Buffer.of(indexed ? 0x40 : 0), text(name), text(value)]);
}

/** The newest entry of the peer's dynamic table, in one byte. */
export const newestIndexed: Buffer = Buffer.of(0x80 | 62);

export function requestFields(path: string): Buffer {
  return Buffer.concat([
    field(":method", "POST"),
    field(":scheme", "http"),
    field(":path", path),
    field(":authority", "x"),
    field("content-type", "application/grpc"),
    field("te", "trailers"),
  ]);
}

/** One unary request with a message of three bytes, on stream 1. */
export function unaryRequest(path: string): Buffer {
  return Buffer.concat([
    preface,
    frame(Type.settings, 0, 0),
    frame(Type.headers, endHeaders, 1, requestFields(path)),
    frame(Type.data, endStream, 1, Buffer.from([0, 0, 0, 0, 3, 7, 8, 9])),
  ]);
}

interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export interface RawClient {
  readonly socket: net.Socket;
  readonly frames: RawFrame[];
  /** The server hung up. */
  readonly closed: Promise<void>;
  /** Resolves with the first frame that fits, also one that came before. */
  heard(fits: (frame: RawFrame) => boolean): Promise<RawFrame>;
}

export async function dial(port: number): Promise<RawClient> {
  const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
  const frames: RawFrame[] = [];
  let waiting: { fits: (frame: RawFrame) => boolean; found: (frame: RawFrame) => void }[] = [];
  let rest = Buffer.alloc(0);
  socket.on("data", (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const end = 9 + rest.readUIntBE(0, 3);
      const one: RawFrame = {
        type: rest[3] as number,
        flags: rest[4] as number,
        stream: rest.readUInt32BE(5),
        payload: Buffer.from(rest.subarray(9, end)),
      };
      rest = rest.subarray(end);
      frames.push(one);
      waiting = waiting.filter(({ fits, found }) => {
        if (!fits(one)) return true;
        found(one);
        return false;
      });
    }
  });
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  return {
    socket,
    frames,
    closed,
    heard: (fits) =>
      new Promise((found) => {
        const already = frames.find(fits);
        if (already) found(already);
        else waiting.push({ fits, found });
      }),
  };
}
