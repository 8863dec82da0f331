import { concat } from "@coterie/base";

/** What is used of an answer of the platform's `fetch`. */
export interface FetchAnswer {
  readonly status: number;
  readonly body: {
    getReader(): {
      read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
      cancel(): Promise<void>;
    };
  } | null;
}

/** The whole body, or undefined once it is longer than `maxBytes`: the rest is not read. */
export async function readBody(
  body: FetchAnswer["body"],
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const reader = body?.getReader();
  const parts: Uint8Array[] = [];
  for (let size = 0; ;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done || value === undefined) return concat(...parts);
    size += value.length;
    if (size > maxBytes) {
      reader?.cancel().catch(() => undefined);
      return undefined;
    }
    parts.push(value);
  }
}
