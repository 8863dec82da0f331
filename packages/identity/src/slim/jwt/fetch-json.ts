import { concat, fromUtf8 } from "@coterie/base";
import { badKey } from "./algorithms.ts";

/** What is used of the platform's `fetch`. */
export type JsonFetch = (
  url: string,
  init: {
    readonly headers: Readonly<Record<string, string>>;
    readonly signal: AbortSignal;
    readonly redirect: "error";
  },
) => Promise<{
  readonly status: number;
  readonly body: {
    getReader(): {
      read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
      cancel(): Promise<void>;
    };
  } | null;
}>;

/** Far above a set of a few dozen keys. */
const maxAnswerBytes = 262_144;

/** The JSON at an address. Throws `identity/bad-key`, whatever went wrong, after `timeoutMs` at the latest. */
export async function fetchJson(get: JsonFetch, url: string, timeoutMs: number): Promise<unknown> {
  const signal = AbortSignal.timeout(timeoutMs);
  // a fetch that ignores its signal must not keep us waiting
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(badKey("timeout")), { once: true });
  });
  try {
    return await Promise.race([late, read(get, url, signal)]);
  } catch (cause) {
    throw badKey("fetch", cause);
  }
}

async function read(get: JsonFetch, url: string, signal: AbortSignal): Promise<unknown> {
  const headers = { accept: "application/json" };
  const { status, body } = await get(url, { headers, signal, redirect: "error" });
  if (status !== 200) throw badKey("status");
  const reader = body?.getReader();
  const parts: Uint8Array[] = [];
  for (let size = 0; ;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done || value === undefined) break;
    size += value.length;
    if (size > maxAnswerBytes) {
      reader?.cancel().catch(() => undefined);
      throw badKey("too-large");
    }
    parts.push(value);
  }
  return JSON.parse(fromUtf8(concat(...parts))) as unknown;
}
