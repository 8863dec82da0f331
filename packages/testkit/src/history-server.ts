import type { Fetch } from "@coterie/client";

/** A history server in memory: archives by URL, and faults that tests choose. */
export interface MemoryHistoryServer {
  readonly url: string;
  readonly files: Map<string, Uint8Array>;
  readonly fetch: Fetch;
  /** Called before each request: throws for a broken connection, or gives a status to answer with. */
  fault: ((method: "GET" | "POST", url: string) => number | undefined) | undefined;
}

/** XHS-06 as a server sees it. */
export function createMemoryHistoryServer(
  url: string = "http://history.test",
): MemoryHistoryServer {
  const files = new Map<string, Uint8Array>();
  const server: MemoryHistoryServer = {
    url,
    files,
    fault: undefined,
    async fetch(at, { method, body }) {
      const status = server.fault?.(method, at);
      if (status !== undefined) return answer(status);
      if (method === "POST" && at === `${url}/upload`) {
        const id = `archive-${files.size + 1}`;
        files.set(`${url}/files/${id}`, (body ?? new Uint8Array(0)).slice());
        return answer(200, new TextEncoder().encode(id));
      }
      const file = files.get(at);
      return method === "GET" && file ? answer(200, file) : answer(404);
    },
  };
  return server;
}

function answer(status: number, bytes: Uint8Array = new Uint8Array(0)): Awaited<ReturnType<Fetch>> {
  return {
    status,
    text: async () => new TextDecoder().decode(bytes),
    body: (async function* () {
      for (let at = 0; at < bytes.length; at += 1_000) yield bytes.subarray(at, at + 1_000);
    })(),
  };
}
