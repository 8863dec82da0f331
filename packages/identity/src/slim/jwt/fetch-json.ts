import { fromUtf8 } from "@coterie/base";
import { readBody } from "../../fetch-port.ts";
import type { FetchAnswer } from "../../fetch-port.ts";
import { badKey } from "./algorithms.ts";

/** What is used of the platform's `fetch`. */
export type JsonFetch = (
  url: string,
  init: {
    readonly headers: Readonly<Record<string, string>>;
    readonly signal: AbortSignal;
    readonly redirect: "error";
  },
) => Promise<FetchAnswer>;

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
  const answer = await readBody(body, maxAnswerBytes);
  if (answer === undefined) throw badKey("too-large");
  return JSON.parse(fromUtf8(answer)) as unknown;
}
