import { silentLog, type Log } from "@coterie/base";
import type { WebSocket } from "ws";
import { StatusError, TransportError, statusOfFailure } from "../errors.ts";
import { Incoming } from "../incoming.ts";
import { Status } from "../transport.ts";
import type { DuplexHandler, Metadata, StatusCode } from "../transport.ts";
import { closeCode, closeOf } from "./verdict.ts";

export interface SocketLimits {
  /** Larger frames close the connection with 1009. 4 MiB (SCN-03). */
  readonly maxMessageBytes: number;
  /** Milliseconds between pings, and for the answer (SCN-10). 120,000 and 20,000; 0 turns them off. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  /** Milliseconds that a peer may take nothing of what waits for it. 10,000 (SCN-05). */
  readonly stallTimeoutMs: number;
  /** Milliseconds until a connection is asked to go; 0, the default, is never. Then it has 5,000 more. */
  readonly maxAgeMs: number;
  readonly maxAgeGraceMs: number;
}

export interface SocketSpec {
  readonly socket: WebSocket;
  readonly handle: DuplexHandler;
  readonly isMessage?: ((frame: Uint8Array) => boolean) | undefined;
  readonly metadata: Metadata;
  readonly peer: string;
  readonly limits: SocketLimits;
  readonly log?: Log | undefined;
  readonly left: () => void;
}

/** Bytes that may wait in the socket before the handler is asked for no more. */
const highWaterBytes = 256 * 1024;

/** Serves one connection from its upgrade to its end. */
export function serveSocket(spec: SocketSpec): { windUp(): void } {
  const { socket, limits, log = silentLog } = spec;
  const controller = new AbortController();
  const requests = new Incoming({
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    cancel: () => socket.resume(), // a handler may stop reading and go on writing
  });
  let waiting = 0;
  let drained: (() => void) | undefined;
  let isOver = false;
  let heard = true;
  let answer: NodeJS.Timeout | undefined;
  const timers: ReturnType<typeof setTimeout>[] = [];

  const windUp = (): void => controller.abort();
  const cut = (): void => socket.terminate();
  const every = (ms: number, run: () => void): void => {
    const timer = setInterval(run, ms);
    timer.unref();
    timers.push(timer);
  };

  const end = (status: StatusCode, words: string): void => {
    if (isOver) return;
    isOver = true;
    const { code, reason } = closeOf(status, words);
    socket.resume(); // else the answer to the close is never read
    socket.close(code, reason);
  };

  socket.on("message", (data: Buffer, isBinary: boolean) => {
    heard = true;
    if (requests.finished) return;
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.length);
    if (isBinary && spec.isMessage?.(bytes) !== false) return requests.push(bytes);
    requests.finish(new TransportError(Status.invalidArgument, { sent: "answered" }));
    socket.close(isBinary ? closeCode.malformed : closeCode.notBinary);
  });
  socket.on("pong", () => (heard = true));
  socket.on("error", () => {}); // a close follows
  socket.on("close", (code) => {
    isOver = true;
    for (const timer of timers) clearTimeout(timer);
    clearTimeout(answer);
    const isGood = code === closeCode.normal || code === closeCode.goingAway || code === 1005;
    requests.finish(
      isGood ? undefined : new TransportError(Status.cancelled, { sent: "answered" }),
    );
    controller.abort();
    drained?.();
    spec.left();
  });

  if (limits.keepaliveMs > 0) {
    every(limits.keepaliveMs, () => {
      heard = false;
      socket.ping();
      clearTimeout(answer);
      // the answer of a peer that is not read cannot be heard
      answer = setTimeout(() => heard || socket.isPaused || cut(), limits.keepaliveTimeoutMs);
      answer.unref();
    });
  }
  if (limits.maxAgeMs > 0) {
    timers.push(setTimeout(windUp, limits.maxAgeMs).unref());
    timers.push(
      setTimeout(() => {
        end(Status.unavailable, "the connection is too old");
        timers.push(setTimeout(cut, limits.maxAgeGraceMs).unref());
      }, limits.maxAgeMs + limits.maxAgeGraceMs).unref(),
    );
  }

  const send = (message: Uint8Array): Promise<void> | undefined => {
    waiting += message.length;
    socket.send(message, { binary: true, compress: false }, () => {
      waiting -= message.length;
      if (waiting <= highWaterBytes / 2) drained?.();
    });
    if (waiting <= highWaterBytes) return undefined;
    return new Promise((resolve) => {
      let before = waiting;
      // SCN-05: it is cut where nothing moves
      const watch = setInterval(() => {
        if (waiting >= before) cut();
        before = waiting;
      }, limits.stallTimeoutMs);
      drained = () => {
        clearInterval(watch);
        drained = undefined;
        resolve();
      };
    });
  };

  const run = async (): Promise<void> => {
    requests.open(spec.metadata);
    const context = { signal: controller.signal, metadata: spec.metadata, peer: spec.peer };
    for await (const answer of spec.handle(requests, context)) {
      // @NOTE What is sent to a socket that closes fails at once: to go on would leave no turn for its end.
      if (isOver || socket.readyState !== socket.OPEN) return;
      const full = send(answer);
      if (full !== undefined) await full;
    }
    end(Status.ok, "");
  };
  run().catch((error: unknown) => {
    if (!(error instanceof StatusError) && !(error instanceof TransportError)) {
      log.write("error", "transport.handler-failed", { error });
    }
    const { status, reason } = statusOfFailure(error);
    end(status, reason);
  });
  return { windUp };
}
