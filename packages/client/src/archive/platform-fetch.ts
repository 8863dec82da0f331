import type { Fetch } from "./transfer.ts";

/** The platform's own `fetch`. Streams are read by their reader: not every browser lets one loop over them. */
export const platformFetch: Fetch = async (url, init) => {
  const response = await globalThis.fetch(url, init);
  const { body } = response;
  return {
    status: response.status,
    text: () => response.text(),
    // Taken hold of when it is read, and not before: `text` wants it free.
    body: body && readAll(() => body.getReader()),
  };
};

interface ByteReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

async function* readAll(open: () => ByteReader): AsyncGenerator<Uint8Array> {
  const reader = open();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      if (value) yield value;
    }
  } finally {
    await reader.cancel();
  }
}
