import type { EncodedContent } from "./encoded-content.ts";
import { badContent } from "./read.ts";

/** No content grows beyond this by decompression: a list may hold many. */
export const maxDecompressedBytes = 2_097_152;

const formats = ["deflate", "gzip"] as const;

/**
 * Content as its sender had it before compressing (XMS-08); what is not compressed comes back as it is. Throws `client/bad-content` for damage,
 * for unknown kinds of compression, and for what grows beyond the cap.
 */
export async function decompress(content: EncodedContent): Promise<EncodedContent> {
  const { compression, ...plain } = content;
  if (compression === undefined) return content;
  const format = formats[compression];
  if (format === undefined) throw badContent("compression");
  return { ...plain, content: await inflate(content.content, format) };
}

async function inflate(bytes: Uint8Array, format: (typeof formats)[number]): Promise<Uint8Array> {
  const stream = new DecompressionStream(format);
  const writer = stream.writable.getWriter();
  // What fails here fails the reader too, which tells.
  const written = writer
    .write(bytes.slice())
    .then(() => writer.close())
    .catch(() => undefined);
  const reader = stream.readable.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.length;
      if (size > maxDecompressedBytes) throw badContent("compression");
      chunks.push(value);
    }
  } catch (cause) {
    await reader.cancel().catch(() => undefined);
    throw badContent("compression", cause);
  }
  await written;
  const out = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}
