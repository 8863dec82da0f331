import * as http2 from "node:http2";
import type { Socket } from "node:net";
import { silentLog, type Log } from "@coterie/base";
import type { Routes } from "../transport.ts";
import { watchLiveness } from "./keepalive.ts";
import { createAdmission, createBudget, defaultLimits, type ServerLimits } from "./limits.ts";
import { uncountedSessionMemory } from "./limits.ts";
import { asBuffer, type TlsVersion } from "./connection.ts";
import { listenOn } from "./listen.ts";
import { ServerCall, type CallHost, type ServedCall } from "./serve-call.ts";
import { checkOrigin, type WebOptions } from "../web/cors.ts";
import { createFront } from "../web/front.ts";
import { createWebListener, isGrpcWeb, serveWeb } from "../web/listener.ts";

/** PEM, each of them. */
export interface ServerTls {
  readonly cert: string | Uint8Array;
  readonly key: string | Uint8Array;
  /** Who signs the certificates of clients. With it a client without one is not served (SCN-09). */
  readonly clientCa?: string | Uint8Array | undefined;
  /** The lowest version spoken; Node's own choice by default. */
  readonly minVersion?: TlsVersion | undefined;
}

export interface H2ServerOptions {
  readonly routes: Routes;
  /** `127.0.0.1` by default. */
  readonly host?: string | undefined;
  /** 0, the default, lets the system choose. */
  readonly port?: number | undefined;
  /** A socket in the file system instead of host and port (SCN-06). A file that nobody listens to any more is replaced. */
  readonly path?: string | undefined;
  /** Without it the server speaks cleartext HTTP/2 (XND-01). */
  readonly tls?: ServerTls | undefined;
  readonly limits?: Partial<ServerLimits> | undefined;
  /** Lets pages of some origins call on the same port, by gRPC-web over HTTP/1.1 or HTTP/2 (XND-06). Off by default. */
  readonly web?: WebOptions | undefined;
  readonly log?: Log | undefined;
}

export interface H2Server {
  readonly address: { readonly host: string; readonly port: number };
  /** `http://host:port`, `https://host:port` or `unix:///path`. */
  readonly url: string;
  /**
   * Stops: no new connections and calls, streams end with UNAVAILABLE, unary calls may finish within `graceMs` (5,000 by
   * default), then every socket is closed. Closing twice waits for the same end.
   */
  close(options?: { readonly graceMs?: number | undefined }): Promise<void>;
  /** What is open now, for metrics. */
  stats(): { readonly sessions: number; readonly calls: number; readonly bufferedBytes: number };
}

interface Guest {
  readonly session: http2.ServerHttp2Session;
  readonly socket: Socket;
  readonly gone: Promise<void>;
  readonly calls: Set<ServedCall>;
  readonly since: number;
  /** Its first SETTINGS came. */
  spoke: boolean;
  /** Something happened since the last sweep. */
  stirred: boolean;
  activeAt: number;
  /** When it was asked to go. */
  leavingSince: number | undefined;
}

/** How long a peer that was told to go may take to hang up, in milliseconds. */
const farewellMs = 100;

/** Serves routes over gRPC on HTTP/2. Resolves once it listens. */
export async function createH2Server(options: H2ServerOptions): Promise<H2Server> {
  const limits: ServerLimits = { ...defaultLimits, ...options.limits };
  const log = options.log ?? silentLog;
  const { routes } = options;
  const guests = new Set<Guest>();
  const admission = createAdmission(limits);
  const requestBytes = createBudget(limits.maxBufferedBytes);
  const answerBytes = createBudget(limits.maxBufferedBytes);
  let stopping: Promise<void> | undefined;
  const { web } = options;
  web?.origins.forEach(checkOrigin);

  const server = listenerOf(options, limits);
  const sockets = new Set<Socket>();
  // @NOTE A session hides its socket and on a graceful close waits for the peer to hang up; this is how we need not.
  let latest: Socket;
  server.prependListener(options.tls ? "secureConnection" : "connection", (socket: Socket) => {
    latest = socket;
  });
  function admit(socket: Socket): boolean {
    const address = socket.remoteAddress ?? "";
    if (stopping === undefined && admission.admit(address)) {
      sockets.add(socket);
      socket.once("close", () => {
        sockets.delete(socket);
        admission.leave(address);
      });
      return true;
    }
    log.write("warn", "transport.session-refused", { address });
    socket.destroy();
    return false;
  }
  const webListener = web && createWebListener({ web, limits, hostFor: hostOf });
  // With TLS the handshake tells which HTTP it is, without it the first bytes do.
  const front =
    webListener && !options.tls
      ? createFront({
          admit,
          http1: webListener.take,
          http2: (socket) => server.emit("connection", socket),
          timeoutMs: limits.handshakeTimeoutMs,
        })
      : undefined;
  const listener = front ?? server;
  if (!front) server.on("connection", admit);
  if (webListener) server.on("unknownProtocol", webListener.take);
  server.on("session", welcome);
  server.on("sessionError", ignore);

  /** What the calls of one connection share. */
  function hostOf(socket: Socket, left: (call: ServedCall) => void): CallHost {
    const answers = createBudget(limits.maxBufferedBytesPerSession, answerBytes);
    return {
      routes,
      limits,
      requests: {
        maxBytes: limits.maxRequestBytes,
        reserve: createBudget(limits.maxBufferedBytesPerSession, requestBytes).reserve,
      },
      peer: socket.remoteAddress ?? "",
      log,
      running: 0,
      reserveAnswer: answers.reserve,
      left,
    };
  }

  function welcome(session: http2.ServerHttp2Session): void {
    session.on("error", (error) => log.write("debug", "transport.session-error", { error }));
    const socket = latest;
    const gone = new Promise<void>((resolve) => session.once("close", resolve));
    const now = performance.now();
    const guest: Guest = {
      session,
      socket,
      gone,
      calls: new Set(),
      since: now,
      spoke: false,
      stirred: false,
      activeAt: now,
      leavingSince: undefined,
    };
    guests.add(guest);
    session.setLocalWindowSize(4 * limits.windowBytes);
    const host = hostOf(socket, (call) => {
      guest.calls.delete(call);
      guest.stirred = true;
    });
    session.once("remoteSettings", () => {
      guest.spoke = true;
    });
    session.on("ping", () => {
      guest.stirred = true;
    });
    session.on("stream", (stream, headers, flags, rawHeaders) => {
      const type = headers["content-type"];
      if (web && (headers[":method"] === "OPTIONS" || isGrpcWeb(type))) {
        const request = new http2.Http2ServerRequest(stream, headers, {}, rawHeaders);
        const response = new http2.Http2ServerResponse(stream);
        stream.on("error", ignore);
        const call = serveWeb(web, host, request, response);
        if (call) guest.calls.add(call);
        return;
      }
      const call = new ServerCall(host, stream, headers, rawHeaders);
      guest.calls.add(call);
      call.begin((flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0);
    });
    const stopWatching = watchLiveness(session, socket, {
      everyMs: limits.keepaliveMs,
      timeoutMs: limits.keepaliveTimeoutMs,
    });
    session.on("close", () => {
      stopWatching();
      guests.delete(guest);
    });
  }

  /** A38: who connects and says nothing, or takes for ever, loses its place. */
  function sweep(): void {
    const now = performance.now();
    webListener?.sweep(now);
    for (const guest of guests) {
      if (guest.stirred) guest.activeAt = now;
      guest.stirred = false;
      if (!guest.spoke && now - guest.since > limits.handshakeTimeoutMs) guest.socket.destroy();
      else if (limits.maxAgeMs > 0 && now - guest.since > limits.maxAgeMs) retire(guest, now);
      else if (guest.calls.size === 0) {
        if (now - guest.activeAt <= limits.idleTimeoutMs) continue;
        if (guest.leavingSince !== undefined) guest.socket.destroy();
        else guest.session.close();
        guest.leavingSince ??= now;
      } else for (const call of guest.calls) call.sweep(now);
    }
  }
  /** SCN-10: GOAWAY, time for streams to end by themselves, and then their end. */
  function retire(guest: Guest, now: number): void {
    if (guest.leavingSince === undefined) {
      guest.leavingSince = now;
      guest.session.close();
      for (const call of guest.calls) if (call.kind === "duplex") call.windUp();
    }
    if (now - guest.leavingSince <= limits.maxAgeGraceMs) return;
    for (const call of guest.calls) call.stop();
    if (now - guest.leavingSince > 2 * limits.maxAgeGraceMs) guest.socket.destroy();
  }

  const shortest = Math.min(
    limits.maxAgeMs || Number.POSITIVE_INFINITY,
    limits.handshakeTimeoutMs,
    limits.requestTimeoutMs,
    limits.stallTimeoutMs,
    limits.idleTimeoutMs,
  );
  const sweeper = setInterval(sweep, Math.max(10, Math.min(1000, shortest / 4)));
  sweeper.unref();

  async function stop(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
    const webGone = webListener?.stop();
    for (const guest of guests) {
      // GOAWAY first, so that callers who are told UNAVAILABLE come back on another connection.
      guest.session.close();
      for (const call of guest.calls) if (call.kind !== "unary") call.stop();
    }
    const gone = [...guests].map((guest) => guest.gone);
    let timer = setTimeout(() => {
      for (const guest of guests) guest.session.destroy();
      if (webListener) for (const socket of sockets) socket.destroy();
      timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, farewellMs);
    }, graceMs);
    await Promise.all([closed, webGone, ...gone]);
    clearTimeout(timer);
    clearInterval(sweeper);
  }

  const bound = await listenOn(listener, options);
  listener.on("error", (error) => log.write("error", "transport.server-error", { error }));

  return {
    address: bound.address,
    url: bound.url(options.tls ? "https" : "http"),
    close({ graceMs = 5000 } = {}) {
      stopping ??= stop(graceMs);
      return stopping;
    },
    stats() {
      const pages = webListener?.stats() ?? { sessions: 0, calls: 0 };
      let { calls } = pages;
      for (const guest of guests) calls += guest.calls.size;
      return {
        sessions: guests.size + pages.sessions,
        calls,
        bufferedBytes: requestBytes.held() + answerBytes.held(),
      };
    },
  };
}

function listenerOf(
  { tls, web }: H2ServerOptions,
  limits: ServerLimits,
): http2.Http2Server | http2.Http2SecureServer {
  const session = {
    maxSessionMemory: uncountedSessionMemory,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 1000,
    maxHeaderListPairs: 128,
    streamResetBurst: limits.resetBurst,
    streamResetRate: limits.resetsPerSecond,
    settings: {
      initialWindowSize: limits.windowBytes,
      maxConcurrentStreams: limits.maxConcurrentStreams,
      maxHeaderListSize: limits.maxHeaderBytes,
    },
  };
  if (tls === undefined)
    return http2.createServer({ ...session, noDelay: true } as http2.ServerOptions);
  return http2.createSecureServer({
    ...session,
    cert: asBuffer(tls.cert),
    key: asBuffer(tls.key),
    ...(tls.minVersion === undefined ? {} : { minVersion: tls.minVersion }),
    ...(tls.clientCa === undefined
      ? {}
      : { ca: asBuffer(tls.clientCa), requestCert: true, rejectUnauthorized: true }),
    ALPNProtocols: web ? ["h2", "http/1.1"] : ["h2"],
    allowHTTP1: false,
    handshakeTimeout: limits.handshakeTimeoutMs,
  });
}

function ignore(): void {}
