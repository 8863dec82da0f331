import { fromHex, fromUtf8 } from "@coterie/base";
import { IdentityError } from "../errors.ts";
import { readBody } from "../fetch-port.ts";
import type { FetchAnswer } from "../fetch-port.ts";

/** What is used of the platform's `fetch`. */
export type RpcFetch = (
  url: string,
  init: {
    readonly method: "POST";
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    readonly signal: AbortSignal;
    readonly redirect: "error";
  },
) => Promise<FetchAnswer>;

export interface RpcOptions {
  readonly chainId: bigint;
  /** Often holds a key of its owner: it is never logged and in no error. */
  readonly url: string;
  readonly fetch: RpcFetch;
  readonly timeoutMs: number;
}

/** One method of a chain's JSON-RPC interface. Throws `identity/chain-failed`, whatever went wrong and whatever it says. */
export type RpcCall = (
  method: "eth_chainId" | "eth_blockNumber" | "eth_call",
  params: readonly unknown[],
  signal?: AbortSignal,
) => Promise<string>;

/** Far above a number or a byte in hex, with room for what servers put around it. */
const maxAnswerBytes = 65_536;

export function createRpc(options: RpcOptions): RpcCall {
  let nextId = 1;
  return async (method, params, signal) => {
    const id = nextId++;
    const fail = (reason: string, cause?: unknown): IdentityError =>
      new IdentityError(
        "identity/chain-failed",
        { chainId: options.chainId, method, reason },
        cause,
      );
    const ends = AbortSignal.any([
      AbortSignal.timeout(options.timeoutMs),
      ...(signal ? [signal] : []),
    ]);
    let text: string;
    try {
      const body = JSON.stringify({ jsonrpc: "2.0", id, method, params });
      text = await until(ends, post(options, body, ends));
    } catch (error) {
      throw fail(
        ends.aborted ? "timeout" : "transport",
        error instanceof Failure ? error : undefined,
      );
    }
    const answer = parse(text);
    if (answer === undefined || answer["id"] !== id) throw fail("answer");
    const error = answer["error"];
    if (error !== undefined && error !== null) {
      const code = (error as { readonly code?: unknown }).code;
      throw fail(typeof code === "number" ? `error ${code}` : "error");
    }
    const { result } = answer as { readonly result?: unknown };
    if (typeof result !== "string") throw fail("answer");
    return result;
  };
}

/** Why a request failed; carries nothing of the URL. */
class Failure extends Error {}

async function post(options: RpcOptions, body: string, signal: AbortSignal): Promise<string> {
  const response = await options.fetch(options.url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body,
    signal,
    redirect: "error",
  });
  if (response.status !== 200) throw new Failure(`status ${response.status}`);
  const answer = await readBody(response.body, maxAnswerBytes);
  if (answer === undefined) throw new Failure("answer too large");
  return fromUtf8(answer);
}

/** The work, or a failure at the signal: a `fetch` that ignores it must not keep us waiting. */
function until<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new Failure("ended"));
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** A quantity as the interface writes it, of 64 bits at most; undefined for anything else. */
export function parseQuantity(text: string): bigint | undefined {
  return /^0x(?:0|[1-9a-f][0-9a-f]{0,15})$/i.test(text) ? BigInt(text) : undefined;
}

export function toQuantity(value: bigint): string {
  return `0x${value.toString(16)}`;
}

/** Bytes as the interface writes them; undefined for anything else. */
export function parseData(text: string): Uint8Array | undefined {
  return /^0x(?:[0-9a-f]{2}){0,4096}$/i.test(text)
    ? fromHex(text.slice(2).toLowerCase())
    : undefined;
}
