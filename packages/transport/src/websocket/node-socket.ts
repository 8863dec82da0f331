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
    socket.on("upgrade", ({ socket: raw }) => raw.setNoDelay(true)); // SCN-04
    return Object.defineProperty(socket, "refusal", { get: () => refusal }) as never;
  };
}
