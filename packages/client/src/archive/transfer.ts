import { ClientError } from "../errors.ts";

/** What is used of the platform's `fetch`; tests and unusual places pass their own. */
export type Fetch = (
  url: string,
  init: {
    readonly method: "GET" | "POST";
    readonly body?: Uint8Array<ArrayBuffer>;
    readonly signal?: AbortSignal;
  },
) => Promise<FetchResponse>;

export interface FetchResponse {
  readonly status: number;
  readonly body: AsyncIterable<Uint8Array> | null;
  text(): Promise<string>;
}

/** Archives on their way are held in memory: no more than this. */
export const maxTransferBytes: number = 256 * 1024 * 1024;
/** A transfer that has not ended by then is given up; the job that wanted it tries again. */
const timeoutMs = 10 * 60_000;

const idPattern = /^[A-Za-z0-9._-]{1,256}$/;

/** A server that keeps archives for a while without being able to read them (XHS-06). */
export interface HistoryServer {
  /** Answers with where the archive can be read. */
  upload(serverUrl: string, archive: Uint8Array<ArrayBuffer>): Promise<string>;
  download(url: string): Promise<Uint8Array>;
}

export function createHistoryServer(fetch: Fetch, closed: AbortSignal): HistoryServer {
  const options = (): { readonly signal: AbortSignal } => ({
    signal: AbortSignal.any([closed, AbortSignal.timeout(timeoutMs)]),
  });
  return {
    async upload(serverUrl, body) {
      const base = checkUrl(serverUrl).replace(/\/+$/, "");
      const response = await attempt(() =>
        fetch(`${base}/upload`, { method: "POST", body, ...options() }),
      );
      if (response.status !== 200) throw refused(response.status);
      const id = (await attempt(() => response.text())).trim();
      if (!idPattern.test(id)) throw new ClientError("client/transfer-failed", { reason: "id" });
      return `${base}/files/${id}`;
    },
    async download(url) {
      const response = await attempt(() => fetch(checkUrl(url), { method: "GET", ...options() }));
      if (response.status !== 200) throw refused(response.status);
      const parts: Uint8Array[] = [];
      let size = 0;
      await attempt(async () => {
        for await (const part of response.body ?? []) {
          size += part.length;
          if (size > maxTransferBytes) break;
          parts.push(part);
        }
      });
      if (size > maxTransferBytes) {
        throw new ClientError(
          "client/transfer-failed",
          { reason: "too large", limit: maxTransferBytes },
          { disposition: "reject" },
        );
      }
      const out = new Uint8Array(size);
      let at = 0;
      for (const part of parts) {
        out.set(part, at);
        at += part.length;
      }
      return out;
    },
  };
}

function refused(status: number): ClientError {
  // Gone, too large, not allowed: asking again changes nothing.
  const disposition = status >= 400 && status < 500 && status !== 429 ? "reject" : "retry";
  return new ClientError("client/transfer-failed", { status }, { disposition });
}

async function attempt<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ClientError) throw cause;
    throw new ClientError("client/transfer-failed", { reason: "network" }, { cause });
  }
}

function checkUrl(url: string): string {
  if (!/^https?:\/\/[^\s]{1,2000}$/.test(url)) {
    throw new ClientError("client/bad-argument", { argument: "url" });
  }
  return url;
}
