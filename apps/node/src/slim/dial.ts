import { readFileSync } from "node:fs";
import type { Log as Logger } from "@coterie/base";
import type { PlaneDial } from "@coterie/dataplane";
import { basicAuthorization } from "@coterie/transport";
import type { Transport } from "@coterie/transport";
import { createH2Transport } from "@coterie/transport/h2";
import { createWebSocketTransport } from "@coterie/transport/websocket";
import { nodeWebSocket } from "@coterie/transport/websocket-node";
import type { ClientAuth, ClientSettings } from "../yaml/endpoints.ts";

/** Whoever dials keeps its own time between attempts (SCN-11), and asks after a silent peer every minute (SCN-10). */
const steady = { backoff: { baseMs: 0, capMs: 0 }, keepaliveMs: 60_000 };

/** A way to whoever a file or a controller names: over HTTP/2, also in the file system, or a WebSocket, by the scheme. */
export function dialClient(settings: ClientSettings, log?: Logger): Transport {
  const { endpoint, serverName, connectTimeoutMs, auth } = settings;
  const tls = settings.tls && { ...settings.tls, servername: serverName };
  const authorization = auth && (() => authorizationOf(auth));
  if (/^wss?:/.test(endpoint)) {
    const { keepaliveMs } = steady;
    const open = nodeWebSocket({ tls, authorization, keepaliveMs });
    return createWebSocketTransport({ url: endpoint, open, connectTimeoutMs });
  }
  const metadata = Object.fromEntries(settings.headers);
  return createH2Transport({
    ...steady,
    url: endpoint,
    tls,
    authorization,
    metadata,
    connectTimeoutMs,
    log,
  });
}

/**
 * A way to another node (SCT-04). A controller says where it is; how to show ourselves there stands in our own file, under the same endpoint or one
 * for all.
 */
export function dialNode(
  { endpoint }: PlaneDial,
  known: readonly ClientSettings[],
  log?: Logger,
): Transport {
  const same = known.find((client) => sameEndpoint(client.endpoint, endpoint));
  return same === undefined
    ? dialClient({ ...nothingKnown, endpoint }, log)
    : dialClient({ ...same, endpoint }, log);
}

const nothingKnown = {
  tls: undefined,
  serverName: undefined,
  auth: undefined,
  headers: new Map<string, string>(),
  connectTimeoutMs: undefined,
};

/** Read anew for each call: a token's file is written anew before the token ends. */
function authorizationOf(auth: ClientAuth): string {
  return auth.kind === "basic"
    ? basicAuthorization(auth)
    : `Bearer ${readFileSync(auth.path, "utf8").trim()}`;
}

function sameEndpoint(a: string, b: string): boolean {
  return URL.canParse(a) && URL.canParse(b) && new URL(a).host === new URL(b).host;
}
