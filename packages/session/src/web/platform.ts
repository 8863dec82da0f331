import { silentLog, systemClock } from "@coterie/base";
import { nobleProvider } from "@coterie/crypto/noble";
import type { Transport } from "@coterie/transport";
import { createWebSocketTransport } from "@coterie/transport/websocket";
import type { ClientConfig } from "../api/config/connection.ts";
import type { Platform } from "../api/platform.ts";
import { SessionError } from "../errors.ts";
import { systemScheduler } from "../runtime/scheduler.ts";

/** What runs everywhere. A node is reached by WebSocket, unless the caller brings another way. */
export const webPlatform: Platform = {
  crypto: nobleProvider,
  clock: systemClock,
  scheduler: systemScheduler,
  log: silentLog,
  dial: dialByWebSocket,
};

/** A page can send no header: a bearer's token goes along in the address (SCN-08). */
function dialByWebSocket({ endpoint, headers }: ClientConfig): Transport {
  if (!/^wss?:\/\//.test(endpoint)) {
    throw new SessionError("session/unsupported", { what: "endpoint" });
  }
  const token = /^bearer (\S+)$/i.exec(headers?.get("authorization") ?? "")?.[1];
  return createWebSocketTransport({
    url: endpoint,
    token: token === undefined ? undefined : () => token,
  });
}
