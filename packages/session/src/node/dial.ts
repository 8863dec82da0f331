import { readFileSync } from "node:fs";
import { basicAuthorization } from "@coterie/transport";
import type { Transport } from "@coterie/transport";
import { createH2Transport } from "@coterie/transport/h2";
import { createWebSocketTransport } from "@coterie/transport/websocket";
import { nodeWebSocket } from "@coterie/transport/websocket-node";
import type { BasicAuth, StaticJwtAuth } from "../api/config/auth.ts";
import type { ClientConfig } from "../api/config/connection.ts";
import { SessionError } from "../errors.ts";
import { clientTlsOf } from "./tls.ts";

/** Pings, so that a node that is gone without a word is noticed (SCN-10). */
const keepaliveMs = 60_000;

/**
 * A transport to the node of this configuration: gRPC on HTTP/2 over TCP, TLS or a socket in the file system, or a WebSocket. Throws
 * `session/bad-argument` or `session/unsupported`.
 */
export function dialNode(config: ClientConfig): Transport {
  const { endpoint, keepalive, auth } = config;
  const authorization = authorizationOf(auth);
  const tls = clientTlsOf(config);
  if (/^wss?:\/\//.test(endpoint)) {
    return createWebSocketTransport({ url: endpoint, open: nodeWebSocket({ tls, authorization }) });
  }
  return createH2Transport({
    url: /^[a-z]+:\/\//.test(endpoint) ? endpoint : `${tls ? "https" : "http"}://${endpoint}`,
    tls,
    keepaliveMs: keepalive?.http2Keepalive ?? keepaliveMs,
    keepaliveTimeoutMs: keepalive?.timeout ?? 10_000,
    backoff: { baseMs: 0, capMs: 0 }, // the connection itself waits between attempts (SCN-11)
    metadata: Object.fromEntries(config.headers ?? []),
    authorization,
  });
}

/** SCN-08. */
function authorizationOf(auth: ClientConfig["auth"]): (() => string) | undefined {
  if (auth === undefined || auth.tag === "None") return undefined;
  if (auth.tag === "Basic") {
    const header = basicAuthorization((auth.inner as { readonly config: BasicAuth }).config);
    return () => header;
  }
  if (auth.tag === "StaticJwt") {
    const { tokenFile } = (auth.inner as { readonly config: StaticJwtAuth }).config;
    // asked for with each connection: whoever renews the file is heard
    return () => `Bearer ${readFileSync(tokenFile, "utf8").trim()}`;
  }
  throw new SessionError("session/unsupported", { what: "auth", kind: auth.tag });
}
