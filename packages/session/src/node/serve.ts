import type { Log } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { createDataPlane } from "@coterie/dataplane";
import { acceptBasic, guardRoutes } from "@coterie/transport";
import type { Authorize, DuplexHandler, Routes } from "@coterie/transport";
import { createH2Server } from "@coterie/transport/h2";
import { createWebSocketServer } from "@coterie/transport/websocket-node";
import { slimPaths } from "@coterie/wire/slim";
import type { BasicAuth } from "../api/config/auth.ts";
import type { ServerConfig } from "../api/config/connection.ts";
import type { RunningServer } from "../api/platform.ts";
import { SessionError } from "../errors.ts";
import { serverTlsOf } from "./tls.ts";

interface Listening {
  readonly url: string;
  close(): Promise<void>;
}

/** A data plane of this process, on the transport that the endpoint names. */
export async function serveNode(
  config: ServerConfig,
  parts: { readonly crypto: CryptoProvider; readonly log: Log; readonly nodeId: string },
): Promise<RunningServer> {
  const dataPlane = createDataPlane({
    crypto: parts.crypto,
    nodeId: parts.nodeId,
    version: "2.2.0+ts.1",
    metrics: { add() {}, gauge() {} },
    logger: parts.log,
  });
  const listening = await listen(config, dataPlane.routes, parts.log);
  return {
    endpoint: listening.url,
    async close() {
      dataPlane.close();
      await listening.close();
    },
  };
}

async function listen(config: ServerConfig, routes: Routes, log: Log): Promise<Listening> {
  const { endpoint } = config;
  const tls = serverTlsOf(config);
  const authorize = authorizeOf(config);
  const place = placeOf(endpoint);
  try {
    if (place.kind === "websocket") {
      const { host, port, path } = place;
      const open = routes.get(slimPaths.openChannel);
      const handle = open?.handle as DuplexHandler;
      return await createWebSocketServer({ handle, host, port, path, tls, authorize, log });
    }
    const guarded = authorize === undefined ? routes : guardRoutes(routes, authorize);
    return await createH2Server({ ...place, routes: guarded, tls, log });
  } catch (cause) {
    if (cause instanceof SessionError) throw cause;
    const reason = (cause as { code?: string }).code;
    throw new SessionError("session/bad-argument", { what: "endpoint", reason }, cause);
  }
}

function authorizeOf({ auth }: ServerConfig): Authorize | undefined {
  if (auth === undefined || auth.tag === "None") return undefined;
  if (auth.tag === "Basic") {
    return acceptBasic((auth.inner as { readonly config: BasicAuth }).config);
  }
  throw new SessionError("session/unsupported", { what: "auth", kind: auth.tag });
}

type Place =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string }
  | {
      readonly kind: "websocket";
      readonly host: string;
      readonly port: number;
      readonly path: string;
    };

/** `host:port` with or without a scheme, `ws://host:port/path`, or `unix:///path`. */
function placeOf(endpoint: string): Place {
  const unix = /^unix:\/\/(\/.+)$/.exec(endpoint);
  if (unix !== null) return { kind: "unix", path: unix[1] as string };
  const match = /^(?:(https?|wss?):\/\/)?(\[[^\]]+\]|[^:/]+):(\d{1,5})(\/.*)?$/.exec(endpoint);
  if (match === null) throw new SessionError("session/bad-argument", { what: "endpoint" });
  const [, scheme = "http", bracketed = "", digits = "", path = "/"] = match;
  const host = bracketed.replace(/^\[|\]$/g, "");
  const port = Number(digits);
  return scheme.startsWith("ws")
    ? { kind: "websocket", host, port, path }
    : { kind: "tcp", host, port };
}
