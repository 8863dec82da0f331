import * as http from "node:http";
import * as https from "node:https";
import type { Duplex as Stream } from "node:stream";
import type { Socket } from "node:net";
import { silentLog, type Log } from "@coterie/base";
import { WebSocketServer, type WebSocket } from "ws";
import type { Authorize } from "../authorization.ts";
import { listenOn } from "../h2/listen.ts";
import { asBuffer } from "../h2/connection.ts";
import { createAdmission, defaultLimits } from "../h2/limits.ts";
import type { ServerTls } from "../h2/server.ts";
import type { DuplexHandler } from "../transport.ts";
import { serveSocket, type SocketLimits } from "./serve-socket.ts";

export interface WebSocketServerLimits extends SocketLimits {
  /** Connections at once, and of one address. 20,000 and 1,024. */
  readonly maxSessions: number;
  readonly maxSessionsPerAddress: number;
  /** Milliseconds from connecting until the upgrade was asked for. 10,000. */
  readonly handshakeTimeoutMs: number;
}

const defaultSocketLimits: WebSocketServerLimits = {
  maxMessageBytes: 4 * 1024 * 1024,
  keepaliveMs: 120_000,
  keepaliveTimeoutMs: 20_000,
  stallTimeoutMs: 10_000,
  maxAgeMs: 0,
  maxAgeGraceMs: 5_000,
  maxSessions: defaultLimits.maxSessions,
  maxSessionsPerAddress: defaultLimits.maxSessionsPerAddress,
  handshakeTimeoutMs: defaultLimits.handshakeTimeoutMs,
};

export interface WebSocketServerOptions {
  /** What every connection talks to: there is nothing in a frame but the message (SCN-07). */
  readonly handle: DuplexHandler;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** The only one answered; `/` by default. */
  readonly path?: string | undefined;
  readonly tls?: ServerTls | undefined;
  /** Asked with the header, or with the query parameter as a bearer's token (SCN-08). */
  readonly authorize?: Authorize | undefined;
  /** `token` by default. */
  readonly tokenParameter?: string | undefined;
  /** A frame that is none ends its connection (SCN-07). */
  readonly isMessage?: ((frame: Uint8Array) => boolean) | undefined;
  readonly limits?: Partial<WebSocketServerLimits> | undefined;
  readonly log?: Log | undefined;
}

export interface ListeningWebSocketServer {
  readonly address: { readonly host: string; readonly port: number };
  /** `ws://host:port/path` or `wss://…`. */
  readonly url: string;
  /** Stops listening, asks what runs to end by its signal, and cuts it after `graceMs`, 5,000 by default. */
  close(options?: { readonly graceMs?: number | undefined }): Promise<void>;
  stats(): { readonly sessions: number };
}

/** Serves one call of two directions to each WebSocket. Resolves once it listens. */
export async function createWebSocketServer(
  options: WebSocketServerOptions,
): Promise<ListeningWebSocketServer> {
  const { path = "/", authorize, tokenParameter = "token" } = options;
  const log = options.log ?? silentLog;
  const limits = { ...defaultSocketLimits, ...options.limits };
  const admission = createAdmission({ ...defaultLimits, ...limits });
  const running = new Set<ReturnType<typeof serveSocket>>();
  let stopping: Promise<void> | undefined;
  const upgrader = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: limits.maxMessageBytes,
    // pings are ours: the time of an answer counts
    autoPong: true,
  });
  const server = listenerOf(options, limits);

  const isWelcome = async (request: http.IncomingMessage, query: URLSearchParams) => {
    if (authorize === undefined) return true;
    const token = query.get(tokenParameter);
    const shown = request.headers.authorization ?? (token === null ? undefined : `Bearer ${token}`);
    return authorize(shown);
  };
  const upgrade = async (
    request: http.IncomingMessage,
    stream: Stream,
    head: Buffer,
  ): Promise<void> => {
    const url = new URL(request.url ?? "/", "http://any");
    if (url.pathname !== path) return refuse(stream, 404);
    if (stopping !== undefined) return refuse(stream, 503);
    if (!(await isWelcome(request, url.searchParams))) return refuse(stream, 401);
    upgrader.handleUpgrade(request, stream, head, (socket: WebSocket) => {
      const call = serveSocket({
        socket,
        handle: options.handle,
        isMessage: options.isMessage,
        metadata: {},
        peer: request.socket.remoteAddress ?? "",
        limits,
        log,
        left: () => running.delete(call),
      });
      running.add(call);
    });
  };

  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    const address = socket.remoteAddress ?? "";
    if (!admission.admit(address)) {
      socket.destroy();
      return;
    }
    socket.setNoDelay(true); // SCN-04
    sockets.add(socket);
    socket.once("close", () => {
      sockets.delete(socket);
      admission.leave(address);
    });
  });
  server.on("request", (_, response) => response.writeHead(404).end());
  server.on("upgrade", (request: http.IncomingMessage, stream: Stream, head: Buffer) => {
    stream.on("error", () => {});
    upgrade(request, stream, head).catch((error: unknown) => {
      log.write("error", "transport.handler-failed", { error });
      stream.destroy();
    });
  });

  const bound = await listenOn(server, { host: options.host, port: options.port });
  server.on("error", (error) => log.write("error", "transport.server-error", { error }));

  const stop = async (graceMs: number): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const call of running) call.windUp();
    const timer = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, graceMs);
    server.closeIdleConnections();
    await closed;
    clearTimeout(timer);
  };

  return {
    address: bound.address,
    url: `${bound.url(options.tls ? "wss" : "ws")}${path}`,
    close: ({ graceMs = 5_000 } = {}) => (stopping ??= stop(graceMs)),
    stats: () => ({ sessions: running.size }),
  };
}

function listenerOf(
  { tls }: WebSocketServerOptions,
  { handshakeTimeoutMs }: WebSocketServerLimits,
): http.Server | https.Server {
  const common = {
    headersTimeout: handshakeTimeoutMs,
    requestTimeout: handshakeTimeoutMs,
    connectionsCheckingInterval: Math.min(handshakeTimeoutMs, 5_000),
  };
  if (tls === undefined) return http.createServer(common);
  return https.createServer({
    ...common,
    handshakeTimeout: handshakeTimeoutMs,
    cert: asBuffer(tls.cert),
    key: asBuffer(tls.key),
    ...(tls.minVersion === undefined ? {} : { minVersion: tls.minVersion }),
    ...(tls.clientCa === undefined
      ? {}
      : { ca: asBuffer(tls.clientCa), requestCert: true, rejectUnauthorized: true }),
  });
}

function refuse(stream: Stream, status: 401 | 404 | 503): void {
  stream.end(
    `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
  );
}
