import { WebSocket } from "ws";
import { errorOfHttpStatus } from "../errors.ts";
import type { TransportError } from "../errors.ts";
import { tlsOptions, type ClientTls } from "../h2/connection.ts";
import type { WebSocketLike } from "./client.ts";

export interface NodeSocketOptions {
  readonly tls?: ClientTls | undefined;
  /** The `authorization` header of the upgrade, asked for each time (SCN-08). */
  readonly authorization?: (() => string) | undefined;
  readonly maxMessageBytes?: number | undefined;
  /** How often a silent server is asked whether it is there, in milliseconds; who does not answer until the next time is gone. Never by default. */
  readonly keepaliveMs?: number | undefined;
}

/** WebSockets that can wait, carry headers and certificates, and tell why they were refused. */
export function nodeWebSocket(options: NodeSocketOptions = {}): (url: string) => WebSocketLike {
  return (url) => {
    const { authorization, tls = {} } = options;
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      maxPayload: options.maxMessageBytes ?? 4 * 1024 * 1024,
      followRedirects: false,
      headers: authorization === undefined ? {} : { authorization: authorization() },
      ...tlsOptions(tls, new URL(url).hostname.replace(/^\[|\]$/g, "")),
    });
    let refusal: TransportError | undefined;
    socket.on("unexpected-response", (_, response) => {
      refusal = errorOfHttpStatus(response.statusCode ?? 0);
      response.resume();
      socket.terminate();
    });
    socket.on("error", () => {}); // a close follows
    if (options.keepaliveMs !== undefined) keepAlive(socket, options.keepaliveMs);
    socket.on("upgrade", ({ socket: raw }) => raw.setNoDelay(true)); // SCN-04
    return Object.defineProperty(socket, "refusal", { get: () => refusal }) as never;
  };
}

/** SCN-10: a link of which nothing comes any more would stand for as long as nothing is sent. */
function keepAlive(socket: WebSocket, everyMs: number): void {
  socket.on("upgrade", ({ socket: raw }) => {
    // in bytes: an answer may queue behind a large message, and what is paused still reads until its buffer is full
    let before = -1;
    const timer = setInterval(() => {
      if (socket.readyState !== WebSocket.OPEN || socket.isPaused) return;
      if (raw.bytesRead === before) return socket.terminate();
      before = raw.bytesRead;
      socket.ping();
    }, everyMs);
    timer.unref();
    socket.on("close", () => clearInterval(timer));
  });
}
