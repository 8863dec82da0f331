import * as http2 from "node:http2";
import * as net from "node:net";
import * as tls from "node:tls";
import type { Log } from "@coterie/base";
import { Status } from "../transport.ts";
import { TransportError } from "../errors.ts";
import { watchLiveness } from "./keepalive.ts";
import { uncountedSessionMemory } from "./limits.ts";

export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** Trust and identity for `https://`. */
export interface ClientTls {
  readonly ca?: string | Uint8Array | undefined;
  readonly cert?: string | Uint8Array | undefined;
  readonly key?: string | Uint8Array | undefined;
  /** What the server's certificate has to name; the host of the URL by default. */
  readonly servername?: string | undefined;
  /** The lowest version spoken; Node's own choice by default (SCN-09). */
  readonly minVersion?: TlsVersion | undefined;
  /** Takes any certificate: whoever stands between can read and change everything. */
  readonly insecureSkipVerify?: boolean | undefined;
}

export interface ConnectionOptions {
  readonly url: URL;
  readonly tls: ClientTls;
  readonly connectTimeoutMs: number;
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly backoffBaseMs: number;
  readonly backoffCapMs: number;
  readonly windowBytes: number;
  /** A draw from [0, 1). */
  readonly random: () => number;
  readonly log: Log;
}

/** One HTTP/2 session and what calls need to know of it. */
export interface Link {
  readonly session: http2.ClientHttp2Session;
  readonly socket: net.Socket;
  /** Streams above this number were never looked at by the server (RFC 9113 §6.8). */
  lastStreamId: number;
  readonly calls: Set<Cancellable>;
}

interface Cancellable {
  cancel(): void;
}

export interface Waiter {
  ready(link: Link): void;
  failed(error: TransportError): void;
}

/** Next wait in milliseconds before connecting again, with full jitter, so that clients of a restarted node spread out (F45). */
export function backoffMs(
  failures: number,
  baseMs: number,
  capMs: number,
  random: () => number,
): number {
  return Math.floor(random() * Math.min(capMs, baseMs * 2 ** Math.min(failures, 30)));
}

/** Keeps one session to the server, made when first needed and again after it was lost. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #waiters = new Set<Waiter>();
  readonly #links = new Set<Link>();
  #link: Link | undefined;
  #abortAttempt: (() => void) | undefined;
  #failures = 0;
  #notBefore = 0;
  #closed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The session, if one stands that takes calls. */
  current(): Link | undefined {
    const link = this.#link;
    if (link === undefined) return undefined;
    if (!link.session.closed && !link.session.destroyed) return link;
    this.#lost(link);
    return undefined;
  }

  /** Calls `waiter` once a session stands or the attempt failed. Take it back with {@link forget}. */
  wait(waiter: Waiter): void {
    this.#waiters.add(waiter);
    if (this.#abortAttempt === undefined) this.#schedule();
  }

  forget(waiter: Waiter): void {
    this.#waiters.delete(waiter);
  }

  /** A call began or ended: only running calls keep the process alive. */
  retain(link: Link, call: Cancellable): void {
    if (link.calls.size === 0) link.session.ref();
    link.calls.add(call);
  }

  release(link: Link, call: Cancellable): void {
    link.calls.delete(call);
    if (link.calls.size === 0 && !link.session.destroyed) link.session.unref();
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#abortAttempt?.();
      this.#abortAttempt = undefined;
      this.#failWaiters(new TransportError(Status.cancelled, { sent: "no" }));
    }
    await Promise.all([...this.#links].map(hangUp));
  }

  #schedule(): void {
    const delay = this.#notBefore - performance.now();
    if (delay <= 0) {
      this.#attempt();
      return;
    }
    const timer = setTimeout(() => this.#attempt(), delay);
    this.#abortAttempt = () => clearTimeout(timer);
  }

  #attempt(): void {
    const { url, connectTimeoutMs, windowBytes } = this.#options;
    const socket = dial(this.#options);
    // a socket in the file system has no name that HTTP knows
    const authority = url.protocol === "unix:" ? "http://localhost" : url;
    const session = http2.connect(authority, {
      createConnection: () => socket,
      maxSessionMemory: uncountedSessionMemory,
      settings: { enablePush: false, initialWindowSize: windowBytes },
    });
    let settled = false;
    const fail = (cause: unknown): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      this.#abortAttempt = undefined;
      session.destroy();
      socket.destroy();
      if (this.#closed) return;
      this.#backOff();
      this.#failures++;
      this.#options.log.write("warn", "transport.connect-failed", { failures: this.#failures });
      this.#failWaiters(new TransportError(Status.unavailable, { sent: "no", cause }));
    };
    const timer = setTimeout(() => fail(new Error("connect timed out")), connectTimeoutMs);
    this.#abortAttempt = () => fail(undefined);
    session.on("error", fail);
    session.on("close", () => fail(new Error("closed while connecting")));
    // @NOTE A server that wants a certificate says so after the handshake (TLS 1.3), and sessions do not pass that on.
    socket.once("error", fail);
    socket.once("close", () => fail(new Error("closed while connecting")));
    // Ready means that the peer spoke HTTP/2, not just that something accepted the socket.
    session.once("remoteSettings", () => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      this.#abortAttempt = undefined;
      this.#failures = 0;
      session.setLocalWindowSize(4 * windowBytes);
      this.#adopt(session, socket);
    });
  }

  #adopt(session: http2.ClientHttp2Session, socket: net.Socket): void {
    const link: Link = {
      session,
      socket,
      lastStreamId: Number.POSITIVE_INFINITY,
      calls: new Set(),
    };
    this.#link = link;
    this.#links.add(link);
    session.on("goaway", (_code: number, lastStreamId: number) => {
      link.lastStreamId = Math.min(link.lastStreamId, lastStreamId);
      this.#lost(link);
    });
    const stopWatching = watchLiveness(session, socket, {
      everyMs: this.#options.keepaliveMs,
      timeoutMs: this.#options.keepaliveTimeoutMs,
    });
    session.on("close", () => {
      stopWatching();
      this.#links.delete(link);
      this.#lost(link);
    });
    session.unref();
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter.ready(link);
  }

  #lost(link: Link): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    this.#backOff();
  }

  #backOff(): void {
    const { backoffBaseMs, backoffCapMs, random } = this.#options;
    this.#notBefore =
      performance.now() + backoffMs(this.#failures, backoffBaseMs, backoffCapMs, random);
  }

  #failWaiters(error: TransportError): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter.failed(error);
  }
}

/** How long a server may take to hang up after we did, in milliseconds. */
const farewellMs = 100;

function hangUp({ session, socket, calls }: Link): Promise<void> {
  return new Promise((resolve) => {
    // @NOTE A session that was told to go away waits for the server to hang up, for ever if need be.
    const timer = setTimeout(() => socket.destroy(), farewellMs);
    session.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
    for (const call of calls) call.cancel();
    session.destroy();
  });
}

function dial(options: ConnectionOptions): net.Socket {
  const { url } = options;
  if (url.protocol === "unix:") return net.connect({ path: decodeURIComponent(url.pathname) }); // SCN-06
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (url.protocol === "http:") {
    return net.connect({ host, port: Number(url.port || 80), noDelay: true });
  }
  const socket = tls.connect({
    host,
    port: Number(url.port || 443),
    ALPNProtocols: ["h2"],
    ...tlsOptions(options.tls, host),
  });
  socket.setNoDelay(true);
  socket.once("secureConnect", () => {
    // XND-01: TLS peers choose h2; released SLIM nodes choose nothing, and speak it (SCN-09).
    const { alpnProtocol } = socket;
    if (alpnProtocol === "h2" || alpnProtocol === false || alpnProtocol === null) return;
    // @NOTE A socket that is destroyed before the session has taken it ends the process.
    setImmediate(() => socket.destroy(new Error("the server does not speak h2")));
  });
  return socket;
}

/** Node's options of a TLS client (SCN-09). */
export function tlsOptions(from: ClientTls, host: string): tls.ConnectionOptions {
  const { ca, cert, key, servername, minVersion } = from;
  return {
    ...(servername === undefined && net.isIP(host) !== 0 ? {} : { servername: servername ?? host }),
    ...(ca === undefined ? {} : { ca: asBuffer(ca) }),
    ...(cert === undefined ? {} : { cert: asBuffer(cert) }),
    ...(key === undefined ? {} : { key: asBuffer(key) }),
    ...(minVersion === undefined ? {} : { minVersion }),
    ...(from.insecureSkipVerify === true ? { rejectUnauthorized: false } : {}),
  };
}

export function asBuffer(pem: string | Uint8Array): string | Buffer {
  return typeof pem === "string" ? pem : Buffer.from(pem.buffer, pem.byteOffset, pem.byteLength);
}
