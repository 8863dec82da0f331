import { Decompress } from "fzstd";
import { ClientError } from "../errors.ts";

/** RFC 8878. */
const magic = 0xfd2fb528;
const maxBlockBytes = 128 * 1024;
/** Released writers use 2 MiB; the format asks readers for 8. A frame that wants more memory is none of ours. */
const maxWindowBytes = 32 * 1024 * 1024;

export function damaged(reason: string): ClientError {
  return new ClientError("client/bad-archive", { rule: "XHS-08", reason });
}

/** One frame of stored blocks: what goes in is encrypted and would not become smaller. */
export async function* storeZstd(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  // No checksum, no content size, a window of 128 KiB.
  yield Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38);
  let block = new Uint8Array(3 + maxBlockBytes);
  let size = 0;
  const take = (last: boolean): Uint8Array => {
    const header = (size << 3) | (last ? 1 : 0);
    block.set([header & 0xff, (header >> 8) & 0xff, header >> 16]);
    const out = block.subarray(0, 3 + size);
    block = new Uint8Array(3 + maxBlockBytes);
    size = 0;
    return out;
  };
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + maxBlockBytes - size);
      block.set(part, 3 + size);
      size += part.length;
      at += part.length;
      if (size === maxBlockBytes) yield take(false);
    }
  }
  yield take(true);
}

/**
 * The content of one frame, a block (at most 128 KiB) at a time: however small the input, no more than that is ever waiting. Throws
 * `client/bad-archive` for anything but one whole frame within the window allowed.
 */
export async function* readZstd(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const input = pieces(chunks);
  const header = await frameHeader(input);
  let ready: Uint8Array[] = [];
  const decoder = new Decompress((data) => {
    // A view of the decoder's window, which goes on.
    if (data.length > 0) ready.push(data.slice());
  });
  decode(decoder, header.bytes, false);
  for (let last = false; !last;) {
    const start = await input.read(3);
    const word = (start[0] as number) | ((start[1] as number) << 8) | ((start[2] as number) << 16);
    last = (word & 1) === 1;
    const type = (word >> 1) & 3;
    const size = word >> 3;
    if (type === 3 || size > maxBlockBytes) throw damaged("block");
    const body = await input.read(type === 1 ? 1 : size);
    decode(decoder, start, false);
    decode(decoder, body, last && !header.checksum);
    yield* ready;
    ready = [];
  }
  if (header.checksum) await input.read(4);
  if (!(await input.atEnd())) throw damaged("bytes after the end");
}

function decode(decoder: Decompress, bytes: Uint8Array, last: boolean): void {
  try {
    decoder.push(bytes, last);
  } catch {
    throw damaged("compression");
  }
}

async function frameHeader(
  input: Pieces,
): Promise<{ readonly bytes: Uint8Array; readonly checksum: boolean }> {
  const start = await input.read(5);
  const view = new DataView(start.buffer, start.byteOffset, 5);
  if (view.getUint32(0, true) !== magic) throw damaged("not zstd");
  const flags = start[4] as number;
  const single = (flags & 0x20) !== 0;
  const dictionary = flags & 3;
  // Reserved bit; dictionaries are nobody's here.
  if ((flags & 8) !== 0 || dictionary !== 0) throw damaged("frame header");
  const sizeBytes = flags >> 6 === 0 ? (single ? 1 : 0) : 1 << (flags >> 6);
  const rest = await input.read((single ? 0 : 1) + sizeBytes);
  let window: number;
  if (single) {
    let size = 0n;
    for (const byte of rest.toReversed()) size = (size << 8n) | BigInt(byte);
    window = size > BigInt(maxWindowBytes) ? Infinity : Number(size);
  } else {
    const descriptor = rest[0] as number;
    const base = 2 ** (10 + (descriptor >> 3));
    window = base + (base / 8) * (descriptor & 7);
  }
  if (window > maxWindowBytes) throw damaged("window");
  const bytes = new Uint8Array(start.length + rest.length);
  bytes.set(start);
  bytes.set(rest, start.length);
  return { bytes, checksum: (flags & 4) !== 0 };
}

/** Exact reads out of chunks of any size. */
export interface Pieces {
  /** Throws `client/bad-archive` where the input ends before. */
  read(size: number): Promise<Uint8Array>;
  atEnd(): Promise<boolean>;
  /** What is at hand; nothing at the end. */
  some(): Promise<Uint8Array>;
}

export function pieces(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Pieces {
  const iterator =
    Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  let current: Uint8Array = new Uint8Array(0);
  let done = false;
  const more = async (): Promise<boolean> => {
    while (current.length === 0 && !done) {
      const next = await iterator.next();
      if (next.done === true) done = true;
      else current = next.value;
    }
    return current.length > 0;
  };
  return {
    async read(size) {
      // In parts: a length that lies costs no more memory than what is there.
      const parts: Uint8Array[] = [];
      for (let left = size; left > 0;) {
        if (!(await more())) throw damaged("truncated");
        const part = current.subarray(0, left);
        parts.push(part);
        current = current.subarray(part.length);
        left -= part.length;
      }
      if (parts.length === 1) return parts[0] as Uint8Array;
      const out = new Uint8Array(size);
      let at = 0;
      for (const part of parts) {
        out.set(part, at);
        at += part.length;
      }
      return out;
    },
    atEnd: async () => !(await more()),
    async some() {
      await more();
      const part = current;
      current = new Uint8Array(0);
      return part;
    },
  };
}
