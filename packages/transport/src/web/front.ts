import { createServer } from "node:net";
import type { Server, Socket } from "node:net";

/** What HTTP/2 connections begin with and no request of HTTP/1.1 does: "PRI" (RFC 9113 §3.4). */
const preface = [0x50, 0x52, 0x49];

/**
 * Listens for both versions of HTTP on one cleartext port: the first three bytes tell which. A connection that does not send them
 * in time loses its place (A38).
 */
export function createFront(parts: {
  /** Counts the connection; false refuses it. */
  readonly admit: (socket: Socket) => boolean;
  readonly http1: (socket: Socket) => void;
  readonly http2: (socket: Socket) => void;
  readonly timeoutMs: number;
}): Server {
  return createServer({ noDelay: true }, (socket) => {
    if (!parts.admit(socket)) return;
    const chunks: Buffer[] = [];
    let length = 0;
    const timer = setTimeout(() => socket.destroy(), parts.timeoutMs);
    socket.once("close", () => clearTimeout(timer));
    socket.on("error", ignore);
    socket.on("data", take);

    function take(chunk: Buffer): void {
      chunks.push(chunk);
      length += chunk.length;
      if (length < preface.length) return;
      clearTimeout(timer);
      socket.off("data", take);
      socket.pause();
      const head = Buffer.concat(chunks);
      socket.unshift(head);
      socket.off("error", ignore);
      if (preface.every((byte, i) => head[i] === byte)) parts.http2(socket);
      else {
        parts.http1(socket);
        socket.resume();
      }
    }
  });
}

function ignore(): void {}
