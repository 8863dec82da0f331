import type { Http2Session } from "node:http2";
import type { Socket } from "node:net";

export interface Liveness {
  /** Milliseconds between pings; 0 turns them off. */
  readonly everyMs: number;
  /** Milliseconds without a byte from the peer after a ping until it counts as gone. */
  readonly timeoutMs: number;
}

/**
 * Pings the peer and destroys the session when it is silent (XND-03, F43). Bytes that came since the ping count as life: an
 * answer may queue behind a large message. Returns how to stop.
 */
export function watchLiveness(
  session: Http2Session,
  socket: Socket,
  { everyMs, timeoutMs }: Liveness,
): () => void {
  if (everyMs <= 0) return () => {};
  let deadline: NodeJS.Timeout | undefined;
  let waiting = false;

  function listen(readAtPing: number): void {
    deadline = setTimeout(() => {
      if (!waiting) return;
      if (socket.bytesRead > readAtPing) listen(socket.bytesRead);
      else {
        session.destroy(new Error("no answer to ping"));
        // A session that was closing would go on waiting for the peer to hang up.
        socket.destroy();
      }
    }, timeoutMs);
    deadline.unref();
  }

  const ticker = setInterval(() => {
    if (waiting || session.destroyed) return;
    waiting = true;
    const sent = session.ping((error: Error | null) => {
      waiting = false;
      clearTimeout(deadline);
      // A ping that could not be sent says nothing; a session that ended reports itself.
      void error;
    });
    if (sent) listen(socket.bytesRead);
    else waiting = false;
  }, everyMs);
  ticker.unref();

  return () => {
    clearInterval(ticker);
    clearTimeout(deadline);
  };
}
