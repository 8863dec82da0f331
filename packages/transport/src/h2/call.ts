import type {
  ClientHttp2Stream,
  IncomingHttpHeaders,
  IncomingHttpStatusHeader,
  OutgoingHttpHeaders,
} from "node:http2";
import { constants } from "node:http2";
import { Status, type Metadata } from "../transport.ts";
import { errorOfAnswer, errorOfHttpStatus, parseStatus, TransportError } from "../errors.ts";
import type { Sent } from "../errors.ts";
import { createFrameReader } from "../framing.ts";
import { decodeGrpcMessage, metadataOf } from "../headers.ts";
import type { Connection, Link, Waiter } from "./connection.ts";
import { writeSingle, type Outbound } from "./outbound.ts";

/** Who hears what a call brings. `done` comes once and last. */
export interface CallSink {
  opened?(metadata: Metadata): void;
  message(message: Uint8Array): void;
  done(error: TransportError | undefined): void;
}

export interface CallSpec {
  readonly connection: Connection;
  readonly headers: OutgoingHttpHeaders;
  readonly maxResponseBytes: number;
  /** Milliseconds from now; undefined for none. */
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** The only request message, or the direction that messages are pushed into. */
  readonly request: Uint8Array | Outbound;
  readonly sink: CallSink;
}

/** Refused calls are sent again this often: the server promised not to have looked at them (RFC 9113 §8.7). */
const retriesAfterRefusal = 3;

/** One call from its start to its verdict, across the attempts it may take. */
export class ClientCall implements Waiter {
  readonly #spec: CallSpec;
  #stream: ClientHttp2Stream | undefined;
  #timer: NodeJS.Timeout | undefined;
  #abort: (() => void) | undefined;
  #refusals = 0;
  #done = false;
  #paused = false;
  #answerBegan = false;
  #httpStatus = 0;
  #status: string | undefined;
  #reason = "";

  constructor(spec: CallSpec) {
    this.#spec = spec;
  }

  start(): void {
    const { signal, timeoutMs } = this.#spec;
    if (signal) {
      if (signal.aborted) {
        this.#finish(new TransportError(Status.cancelled, { sent: "no", cause: signal.reason }));
        return;
      }
      this.#abort = () => this.cancel(signal.reason);
      signal.addEventListener("abort", this.#abort, { once: true });
    }
    if (timeoutMs !== undefined) {
      this.#timer = setTimeout(() => this.#giveUp(Status.deadlineExceeded), timeoutMs);
    }
    this.#connect();
  }

  pause(): void {
    this.#paused = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#stream?.resume();
  }

  cancel(cause?: unknown): void {
    this.#giveUp(Status.cancelled, cause);
  }

  ready(link: Link): void {
    const { connection, headers, request } = this.#spec;
    let stream: ClientHttp2Stream;
    try {
      stream = link.session.request(headers, { endStream: false });
    } catch (cause) {
      // The session closed between being found and being used.
      this.#finish(new TransportError(Status.unavailable, { sent: "no", cause }));
      return;
    }
    this.#stream = stream;
    connection.retain(link, this);
    this.#listen(stream, link);
    if (request instanceof Uint8Array) writeSingle(stream, request);
    else request.attach(stream);
  }

  failed(error: TransportError): void {
    this.#finish(error);
  }

  #connect(): void {
    const { connection } = this.#spec;
    if (connection.closed) {
      this.#finish(new TransportError(Status.cancelled, { sent: "no" }));
      return;
    }
    const link = connection.current();
    if (link) this.ready(link);
    else connection.wait(this);
  }

  #listen(stream: ClientHttp2Stream, link: Link): void {
    const { sink, maxResponseBytes } = this.#spec;
    const reader = createFrameReader({ maxBytes: maxResponseBytes, sent: "unknown" });
    const take = (message: Uint8Array): void => {
      if (!this.#done) sink.message(message);
    };
    stream.on("response", (headers) => this.#onHeaders(headers));
    stream.on("trailers", (headers) => this.#onStatus(headers));
    stream.on("data", (chunk: Uint8Array) => {
      if (this.#done) return;
      try {
        reader.push(chunk, take);
      } catch (error) {
        this.#finish(error as TransportError);
      }
    });
    stream.on("end", () => {
      if (this.#done || this.#status === undefined) return;
      try {
        reader.end();
        this.#verdict();
      } catch (error) {
        this.#finish(error as TransportError);
      }
    });
    stream.on("error", ignore);
    stream.on("close", () => {
      this.#spec.connection.release(link, this);
      if (!this.#done && stream === this.#stream) this.#onClose(stream, link);
    });
    if (this.#paused) stream.pause();
  }

  #onHeaders(headers: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
    if (this.#done) return;
    this.#answerBegan = true;
    this.#httpStatus = headers[":status"] ?? 0;
    if (this.#httpStatus !== 200) {
      // A proxy's page would otherwise be read as frames.
      if (headers["grpc-status"] === undefined) {
        this.#finish(errorOfHttpStatus(this.#httpStatus));
        return;
      }
    } else if (headers["grpc-status"] === undefined) {
      const type = headers["content-type"];
      if (type === undefined || !type.startsWith("application/grpc")) {
        this.#finish(errorOfHttpStatus(this.#httpStatus));
        return;
      }
    }
    this.#onStatus(headers);
    if (this.#spec.sink.opened && (this.#status === undefined || this.#status === "0")) {
      this.#spec.sink.opened(metadataOf(headers));
    }
  }

  #onStatus(headers: IncomingHttpHeaders): void {
    const status = headers["grpc-status"];
    if (status === undefined) return;
    this.#status = typeof status === "string" ? status : "";
    const reason = headers["grpc-message"];
    this.#reason = typeof reason === "string" ? decodeGrpcMessage(reason) : "";
  }

  #verdict(): void {
    const status = parseStatus(this.#status as string);
    this.#finish(status === Status.ok ? undefined : errorOfAnswer(status, this.#reason));
  }

  /** The stream ended without reaching the end of the answer. */
  #onClose(stream: ClientHttp2Stream, link: Link): void {
    if (this.#status !== undefined && this.#status !== "0") {
      this.#verdict();
      return;
    }
    if (this.#spec.connection.closed) {
      this.#finish(new TransportError(Status.cancelled, { sent: "unknown" }));
      return;
    }
    const sent = this.#sentOf(stream, link);
    if (sent === "no" && this.#request() && this.#refusals < retriesAfterRefusal) {
      this.#refusals++;
      this.#stream = undefined;
      this.#connect();
      return;
    }
    const details = { streamCode: stream.rstCode };
    this.#finish(new TransportError(statusOfReset(stream.rstCode), { sent, details }));
  }

  /** The request, if it can be sent a second time. */
  #request(): Uint8Array | undefined {
    return this.#spec.request instanceof Uint8Array ? this.#spec.request : undefined;
  }

  #sentOf(stream: ClientHttp2Stream, link: Link): Sent {
    if (this.#answerBegan) return "unknown";
    if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) return "no";
    if (stream.id === undefined || stream.id > link.lastStreamId) return "no";
    return "unknown";
  }

  #giveUp(status: typeof Status.cancelled | typeof Status.deadlineExceeded, cause?: unknown): void {
    if (this.#done) return;
    const sent = this.#stream === undefined ? "no" : "unknown";
    this.#finish(new TransportError(status, { sent, cause }));
  }

  #finish(error: TransportError | undefined): void {
    if (this.#done) return;
    this.#done = true;
    const { connection, signal, request, sink } = this.#spec;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    if (this.#abort) signal?.removeEventListener("abort", this.#abort);
    const stream = this.#stream;
    if (stream === undefined) connection.forget(this);
    else if (!stream.closed && !(stream.readableEnded && stream.writableFinished)) {
      resetStream(stream);
    }
    if (!(request instanceof Uint8Array)) {
      request.fail(error ?? new TransportError(Status.cancelled, { sent: "unknown" }));
    }
    sink.done(error);
  }
}

/** Resets a stream. @NOTE Closing one that still writes would first end it, and the peer would take a cancelled request for a whole one. */
function resetStream(stream: ClientHttp2Stream): void {
  if (!stream.writableEnded) stream._final = ignore;
  stream.close(constants.NGHTTP2_CANCEL);
}

function statusOfReset(code: number | undefined): TransportError["status"] {
  switch (code) {
    case constants.NGHTTP2_CANCEL:
      // Also what local streams of a lost connection carry: the caller's own cancel never comes here.
      return Status.unavailable;
    case constants.NGHTTP2_ENHANCE_YOUR_CALM:
      return Status.resourceExhausted;
    case constants.NGHTTP2_INADEQUATE_SECURITY:
      return Status.permissionDenied;
    default:
      return Status.unavailable;
  }
}

function ignore(): void {}
