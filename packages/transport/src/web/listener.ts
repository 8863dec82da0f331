import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Socket } from "node:net";
import type { CallHost, ServedCall } from "../h2/serve-call.ts";
import type { ServerLimits } from "../h2/limits.ts";
import { corsHeaders, preflightHeaders, type WebOptions } from "./cors.ts";
import { WebServerCall } from "./serve-call.ts";

/** One HTTP/1.1 connection. */
interface Guest {
  readonly socket: Socket;
  readonly host: CallHost;
  readonly calls: Set<ServedCall>;
  /** No request has come yet. */
  silent: boolean;
  activeAt: number;
}

/** The HTTP/1.1 side of a server. */
export interface WebListener {
  /** Takes a connection over. */
  take(socket: Socket): void;
  sweep(now: number): void;
  /** Ends streams, lets unary calls finish, and each connection with its last call. Resolves when all are gone. */
  stop(): Promise<void>;
  stats(): { readonly sessions: number; readonly calls: number };
}

/** Answers one exchange of either HTTP version, as far as it is no call or one that may not be. Undefined for a call that is served. */
export function serveWeb(
  web: WebOptions,
  host: CallHost,
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
): WebServerCall | undefined {
  const { headers, method } = request;
  const refuse = (status: number, more = {}): undefined => {
    // The part of both interfaces that is used here is the same.
    (response as ServerResponse).writeHead(status, { "content-length": "0", ...more });
    response.end();
    return undefined;
  };
  const cors = corsHeaders(web, headers.origin);
  if (cors === undefined) return refuse(403, { vary: "origin" });
  if (method === "OPTIONS") {
    return refuse(204, {
      ...cors,
      ...preflightHeaders(headers["access-control-request-headers"] as string | undefined),
    });
  }
  if (method !== "POST") return refuse(405, { ...cors, allow: "POST, OPTIONS" });
  if (!isGrpcWeb(headers["content-type"])) return refuse(415, cors);
  const call = new WebServerCall(host, { request, response, cors });
  call.begin();
  return call;
}

/** XND-06: the binary kind. */
export function isGrpcWeb(type: string | undefined): boolean {
  return type !== undefined && /^application\/grpc-web(?:\+proto)?(?:$|;)/.test(type);
}

export function createWebListener(parts: {
  readonly web: WebOptions;
  readonly limits: ServerLimits;
  readonly hostFor: (socket: Socket, left: (call: ServedCall) => void) => CallHost;
}): WebListener {
  const { web, limits } = parts;
  const guests = new Map<Socket, Guest>();
  let stopping = false;
  let gone: (() => void) | undefined;
  const server: Server = createServer({
    maxHeaderSize: limits.maxHeaderBytes,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
    // Our sweep closes what is silent and what is idle.
    keepAliveTimeout: 0,
    headersTimeout: 0,
    requestTimeout: 0,
  });
  server.on("request", (request, response) => {
    const guest = guests.get(request.socket);
    if (guest === undefined) {
      request.socket.destroy();
      return;
    }
    guest.silent = false;
    guest.activeAt = performance.now();
    if (stopping) response.setHeader("connection", "close");
    response.on("close", () => {
      guest.activeAt = performance.now();
      if (stopping && guest.calls.size === 0) guest.socket.end();
    });
    const call = serveWeb(web, guest.host, request, response);
    if (call && !response.destroyed) guest.calls.add(call);
  });
  server.on("clientError", (_, socket) => socket.destroy());

  return {
    take(socket) {
      const calls = new Set<ServedCall>();
      const host = parts.hostFor(socket, (call) => calls.delete(call));
      guests.set(socket, { socket, host, calls, silent: true, activeAt: performance.now() });
      socket.once("close", () => {
        guests.delete(socket);
        if (guests.size === 0) gone?.();
      });
      server.emit("connection", socket);
    },
    sweep(now) {
      for (const { socket, calls, silent, activeAt } of guests.values()) {
        for (const call of calls) call.sweep(now);
        const patience = silent ? limits.handshakeTimeoutMs : limits.idleTimeoutMs;
        if (calls.size === 0 && now - activeAt > patience) socket.destroy();
      }
    },
    stop() {
      stopping = true;
      for (const { socket, calls } of guests.values()) {
        for (const call of calls) if (call.kind !== "unary") call.stop();
        if (calls.size === 0) socket.end();
      }
      return new Promise((resolve) => {
        gone = resolve;
        if (guests.size === 0) resolve();
      });
    },
    stats() {
      let calls = 0;
      for (const guest of guests.values()) calls += guest.calls.size;
      return { sessions: guests.size, calls };
    },
  };
}
