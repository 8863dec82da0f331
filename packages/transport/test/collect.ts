/** All messages of a stream. */
export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const out: Uint8Array[] = [];
  for await (const message of stream) out.push(message);
  return out;
}
