import type { Http2Session, ServerHttp2Stream } from "node:http2";
import { Status } from "../transport.ts";
import { StatusError, TransportError } from "../errors.ts";
import { createFrameReader, type FrameReader } from "../framing.ts";
import { Incoming } from "../incoming.ts";

export interface RequestLimits {
  readonly maxBytes: number;
  reserve(bytes: number): void;
}

function readerOf({ maxBytes, reserve }: RequestLimits): FrameReader {
  return createFrameReader({ maxBytes, reserve, sent: "answered" });
}

/** The body of a request, of HTTP/2 or of HTTP/1.1. */
export interface RequestBody {
  readonly aborted?: boolean;
  readonly rstCode?: number | undefined;
  on(event: "data", listener: (chunk: Uint8Array) => void): unknown;
  on(event: "end" | "close", listener: () => void): unknown;
}

/** True where `end` only means that the caller reset the stream. */
function wasReset(stream: RequestBody): boolean {
  return stream.aborted === true || (stream.rstCode ?? 0) !== 0;
}

/** Reads the one message of a request; it counts once the caller has ended its direction. One of both functions hears of it, once. */
export function readSingle(
  stream: RequestBody,
  limits: RequestLimits,
  heard: (request: Uint8Array) => void,
  failed: (error: unknown) => void,
): void {
  const reader = readerOf(limits);
  let request: Uint8Array | undefined;
  /** Of a request that came whole and whose caller does not end its direction. */
  let held = 0;
  let over = false;
  const release = (): void => {
    reader.release();
    limits.reserve(-held);
    held = 0;
  };
  const fail = (error: unknown): void => {
    over = true;
    request = undefined;
    release();
    failed(error);
  };
  const take = (message: Uint8Array): void => {
    if (request !== undefined) {
      throw new StatusError(Status.internal, "more than one request message");
    }
    limits.reserve(message.length);
    held = message.length;
    request = message;
  };
  stream.on("data", (chunk: Uint8Array) => {
    if (over) return;
    try {
      reader.push(chunk, take);
    } catch (error) {
      fail(error);
    }
  });
  stream.on("end", () => {
    if (over || wasReset(stream)) return;
    if (request === undefined) fail(missingRequest());
    else {
      const whole = request;
      over = true;
      request = undefined; // a stream that answers for hours keeps this function
      release();
      heard(whole);
    }
  });
  stream.on("close", release);
}

export function missingRequest(): StatusError {
  return new StatusError(Status.internal, "the request message is missing");
}

const windows = new WeakMap<Http2Session, number>();
const largestWindow = 2 ** 31 - 1;

/**
 * Provokes the acknowledgement of what came so far (SCN-04): callers with Nagle's algorithm hold the rest of a message back until then, and we
 * have nothing else to say that would carry it, so it would wait for the delay of 40 ms. One more byte of window is what needs no answer: a
 * ping's would itself stay unacknowledged, and hold back the next message.
 */
function nudge({ session }: ServerHttp2Stream): void {
  if (session === undefined || session.destroyed) return;
  const window = windows.get(session) ?? session.state.effectiveLocalWindowSize ?? largestWindow;
  if (window >= largestWindow) return;
  session.setLocalWindowSize(window + 1);
  windows.set(session, window + 1);
}

/** Reads the messages of a request as they come, no faster than the handler takes them. `failed` hears of malformed ones. */
export function readMany(
  stream: ServerHttp2Stream,
  limits: RequestLimits,
  failed: (error: unknown) => void,
): Incoming {
  const requests = new Incoming({
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    // A handler may stop reading and go on writing.
    cancel: () => stream.resume(),
  });
  const reader = readerOf(limits);
  const take = (message: Uint8Array): void => requests.push(message);
  const fail = (error: unknown): void => {
    reader.release();
    requests.finish(error);
    failed(error);
  };
  stream.on("data", (chunk: Uint8Array) => {
    if (requests.finished) return;
    try {
      reader.push(chunk, take);
      if (reader.unfinished) nudge(stream);
    } catch (error) {
      fail(error);
    }
  });
  const onEnd = (): void => {
    if (requests.finished || wasReset(stream)) return;
    try {
      reader.end();
      requests.finish();
    } catch (error) {
      fail(error);
    }
  };
  // @NOTE Clients on Node's http2 end a stream and then reset it when they cancel: wait for what else came along.
  stream.on("end", () => setImmediate(onEnd));
  stream.on("close", () => {
    reader.release();
    requests.finish(new TransportError(Status.cancelled, { sent: "answered" }));
  });
  return requests;
}
