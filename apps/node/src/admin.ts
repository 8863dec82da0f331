import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { NodeError } from "./errors.ts";
import type { Metrics } from "./metrics.ts";

export interface AdminServer {
  readonly url: string;
  close(): Promise<void>;
}

export interface AdminOptions {
  readonly host: string;
  readonly port: number;
  readonly metrics: Metrics;
  readonly health: () => Readonly<Record<string, unknown>>;
}

/** Serves `GET /healthz` (JSON) and `GET /metrics` (Prometheus text). It has no login: keep it on loopback. */
export async function startAdmin(options: AdminOptions): Promise<AdminServer> {
  const server = createServer((request, response) => {
    const answer = (status: number, type: string, body: string): void => {
      response.writeHead(status, { "content-type": type, "cache-control": "no-store" });
      response.end(request.method === "HEAD" ? undefined : body);
    };
    if (request.method !== "GET" && request.method !== "HEAD") {
      answer(405, "text/plain", "method not allowed\n");
    } else if (request.url === "/healthz") {
      answer(200, "application/json", `${JSON.stringify(options.health())}\n`);
    } else if (request.url === "/metrics") {
      answer(200, "text/plain; version=0.0.4", options.metrics.render());
    } else {
      answer(404, "text/plain", "not found\n");
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => reject(listenError(options, cause)));
    server.listen(options.port, options.host, resolve);
  });
  return {
    url: urlOf(server.address() as AddressInfo),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}

/** An address that cannot be listened on is the operator's to change. */
export function listenError(
  where: { readonly host: string; readonly port: number },
  cause: unknown,
): NodeError {
  const engine = String((cause as { code?: unknown } | null)?.code ?? "unknown");
  return new NodeError("node/cannot-listen", {
    details: { host: where.host, port: where.port, reason: engine },
    cause,
  });
}
