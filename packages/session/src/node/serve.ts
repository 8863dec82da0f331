import { createDataPlane } from "@coterie/dataplane";
import type { CryptoProvider } from "@coterie/crypto";
import type { Log } from "@coterie/base";
import { createH2Server } from "@coterie/transport/h2";
import type { ServerConfig } from "../api/config/connection.ts";
import type { RunningServer } from "../api/platform.ts";
import { SessionError } from "../errors.ts";
import { certificateOf } from "./dial.ts";

/** A data plane of this process on HTTP/2 (SND-01). */
export async function serveNode(
  config: ServerConfig,
  parts: { readonly crypto: CryptoProvider; readonly log: Log; readonly nodeId: string },
): Promise<RunningServer> {
  const { host, port } = addressOf(config.endpoint);
  const dataPlane = createDataPlane({
    crypto: parts.crypto,
    nodeId: parts.nodeId,
    version: "2.2.0+ts.1",
    metrics: { add() {}, gauge() {} },
    logger: parts.log,
  });
  const tls = config.tls.insecure ? undefined : certificateOf(config.tls.source);
  if (!config.tls.insecure && tls === undefined) {
    throw new SessionError("session/bad-argument", { what: "tls.source" });
  }
  const server = await createH2Server({
    routes: dataPlane.routes,
    host,
    port,
    tls,
    log: parts.log,
  });
  return {
    endpoint: server.url,
    async close() {
      dataPlane.close();
      await server.close();
    },
  };
}

function addressOf(endpoint: string): { readonly host: string; readonly port: number } {
  const match = /^(?:https?:\/\/)?(\[[^\]]+\]|[^:/]+):(\d{1,5})\/?$/.exec(endpoint);
  if (match === null) throw new SessionError("session/bad-argument", { what: "endpoint" });
  const [, host = "", port = ""] = match;
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}
