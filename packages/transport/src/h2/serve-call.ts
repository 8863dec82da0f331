import { constants } from "node:http2";
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Log } from "@coterie/base";
import { Status, type CallContext, type Metadata, type Route } from "../transport.ts";
import type { Routes, StatusCode } from "../transport.ts";
import { statusOfFailure, StatusError, TransportError } from "../errors.ts";
import { createFrameReader } from "../framing.ts";
import { encodeGrpcMessage, longestTimerMs, metadataOf, parseTimeout } from "../headers.ts";
import { Incoming } from "../incoming.ts";
import type { ServerLimits } from "./limits.ts";
import { Outbound, writeSingle } from "./outbound.ts";

/** What a call needs of the server that it came to. */
export interface CallHost {
  readonly routes: Routes;
  readonly limits: ServerLimits;
  readonly peer: string;
  readonly log: Log;
  reserve(bytes: number): void;
  /** The call ended, however. */
  left(call: ServerCall): void;
}

const contentType = "application/grpc";
const okHeaders: OutgoingHttpHeaders = { ":status": 200, "content-type": contentType };
const okTrailers: OutgoingHttpHeaders = { "grpc-status": "0" };
const withTrailers = { waitForTrailers: true } as const;
const headersOnly = { endStream: true } as const;

/** One call on the server, from its headers to its trailers. Handlers see it as their context. */
export class ServerCall implements CallContext {
  readonly #host: CallHost;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  #route: Route | undefined;
  #controller: AbortController | undefined;
  #aborted = false;
  #timer: NodeJS.Timeout | undefined;
  #trailers = okTrailers;
  #ended = false;
  #outbound: Outbound | undefined;
  #iterator: AsyncIterator<Uint8Array> | undefined;
  /** When the request must have come whole, or the answer must have moved; on the clock of `performance.now()`. */
  #waitingSince = 0;
  #receiving = false;

  constructor(host: CallHost, stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.#host = host;
    this.#stream = stream;
    this.#headers = headers;
  }

  get peer(): string {
    return this.#host.peer;
  }

  get metadata(): Metadata {
    return metadataOf(this.#headers);
  }

  // Made when first asked for: most unary handlers never look, and an AbortController costs more than the rest of the call.
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  get kind(): Route["kind"] | undefined {
    return this.#route?.kind;
  }

  /** Reads the headers, refuses what cannot be served, and begins. `bodyless` when the request ended with its headers. */
  begin(bodyless: boolean): void {
    const stream = this.#stream;
    stream.on("error", ignore);
    stream.on("close", () => this.#onClose());
    const refusal = this.#refuse();
    if (refusal !== undefined) {
      if (typeof refusal === "number") this.#answerHttp(refusal);
      else this.end(refusal.status, refusal.reason);
      return;
    }
    const timeout = this.#headers["grpc-timeout"];
    if (typeof timeout === "string") {
      const ms = parseTimeout(timeout);
      if (ms === undefined) {
        this.end(Status.invalidArgument, "malformed grpc-timeout");
        return;
      }
      if (ms <= longestTimerMs) this.#timer = setTimeout(() => this.#onDeadline(), ms);
    }
    if (this.#route?.kind === "duplex") this.#serveDuplex(this.#route.handle);
    else if (bodyless) this.end(Status.internal, "the request message is missing");
    else this.#readRequest();
  }

  /** Ends the call with a verdict; the first one counts. */
  end(status: StatusCode, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    const verdict: OutgoingHttpHeaders =
      status === Status.ok
        ? okTrailers
        : { "grpc-status": String(status), "grpc-message": encodeGrpcMessage(reason) };
    if (stream.headersSent) {
      this.#trailers = verdict;
      if (this.#outbound) this.#outbound.end();
      else stream.end();
    } else {
      stream.respond({ ...okHeaders, ...verdict }, headersOnly);
      stopListening(stream);
    }
    // Whatever else the caller sends is not wanted.
    if (!stream.readableEnded) stream.resume();
    if (status !== Status.ok) this.#abort();
  }

  /** Ends the call because the server stops (XND-39). */
  stop(): void {
    this.end(Status.unavailable, "the server is stopping");
  }

  /** Called from time to time: cuts callers that feed or read too slowly (A38, F42). */
  sweep(now: number): void {
    const { requestTimeoutMs, stallTimeoutMs } = this.#host.limits;
    if (this.#receiving) {
      if (now - this.#waitingSince > requestTimeoutMs) {
        this.end(Status.deadlineExceeded, "the request took too long to arrive");
        this.#stream.close(constants.NGHTTP2_CANCEL);
      }
      return;
    }
    const moving = this.#stream.writableLength === 0;
    if (moving) this.#waitingSince = now;
    else if (now - this.#waitingSince > stallTimeoutMs) {
      this.#ended = true;
      this.#stream.close(constants.NGHTTP2_CANCEL);
    }
  }

  #refuse(): StatusError | number | undefined {
    const headers = this.#headers;
    const type = headers["content-type"];
    // XND-01; grpc-web is another protocol behind a similar name.
    if (type === undefined || !/^application\/grpc(?:$|[+;])/.test(type)) {
      return constants.HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE;
    }
    if (headers[":method"] !== "POST") return constants.HTTP_STATUS_METHOD_NOT_ALLOWED;
    this.#route = this.#host.routes.get(headers[":path"] ?? "");
    if (this.#route === undefined) {
      return new StatusError(Status.unimplemented, "unknown method"); // XND-05
    }
    const encoding = headers["grpc-encoding"];
    if (encoding !== undefined && encoding !== "identity") {
      return new StatusError(Status.unimplemented, "only identity encoding is supported"); // XND-05
    }
    return undefined;
  }

  #answerHttp(status: number): void {
    this.#ended = true;
    const stream = this.#stream;
    stream.respond({ ":status": status }, headersOnly);
    stream.resume();
    stopListening(stream);
  }

  #readRequest(): void {
    const { limits } = this.#host;
    const stream = this.#stream;
    let request: Uint8Array | undefined;
    let count = 0;
    const reader = createFrameReader({
      maxBytes: limits.maxRequestBytes,
      sent: "answered",
      reserve: (bytes) => this.#host.reserve(bytes),
    });
    const take = (message: Uint8Array): void => {
      count++;
      request = message;
    };
    this.#receiving = true;
    this.#waitingSince = performance.now();
    stream.on("data", (chunk: Uint8Array) => {
      if (this.#ended) return;
      try {
        reader.push(chunk, take);
        if (count > 1) this.end(Status.internal, "more than one request message");
      } catch (error) {
        reader.release();
        this.#endBadRequest(error);
      }
    });
    stream.on("end", () => {
      this.#receiving = false;
      if (this.#ended || wasReset(stream)) return;
      if (request === undefined) {
        reader.release();
        this.end(Status.internal, "the request message is missing");
      } else this.#run(request);
    });
    stream.on("close", () => reader.release());
  }

  #run(request: Uint8Array): void {
    const route = this.#route as Route;
    try {
      if (route.kind === "unary") {
        const answer = route.handle(request, this);
        if (answer instanceof Uint8Array) this.#answer(answer);
        else {
          answer.then(
            (message) => this.#answer(message),
            (error: unknown) => this.#fail(error),
          );
        }
      } else if (route.kind === "server-stream") {
        this.#respond(route.handle(request, this), route.headers);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #answer(message: Uint8Array): void {
    const stream = this.#stream;
    if (this.#ended || stream.destroyed || stream.closed) return;
    this.#ended = true;
    stream.respond(okHeaders, withTrailers);
    stream.on("wantTrailers", () => sendTrailers(stream, okTrailers));
    writeSingle(stream, message);
  }

  #respond(answers: AsyncIterable<Uint8Array>, headers: Metadata | undefined): void {
    const stream = this.#stream;
    // XND-04: headers leave now. The handler's first step runs in the same turn, so nothing that the caller does after seeing
    // them comes before it.
    stream.respond(headers === undefined ? okHeaders : { ...headers, ...okHeaders }, withTrailers);
    stream.on("wantTrailers", () => sendTrailers(stream, this.#trailers));
    const outbound = new Outbound();
    this.#outbound = outbound;
    outbound.attach(stream);
    this.#iterator = answers[Symbol.asyncIterator]();
    this.#pump(this.#iterator, outbound).catch((error: unknown) => this.#fail(error));
  }

  async #pump(answers: AsyncIterator<Uint8Array>, outbound: Outbound): Promise<void> {
    for (;;) {
      const step = await answers.next();
      if (this.#ended) return;
      if (step.done === true) break;
      if (!outbound.push(step.value)) await outbound.drained();
    }
    this.#iterator = undefined;
    this.end(Status.ok, "");
  }

  #serveDuplex(
    handle: (
      requests: AsyncIterable<Uint8Array>,
      context: CallContext,
    ) => AsyncIterable<Uint8Array>,
  ): void {
    const { limits } = this.#host;
    const stream = this.#stream;
    const requests = new Incoming({
      pause: () => stream.pause(),
      resume: () => stream.resume(),
      // A handler may stop reading and go on writing.
      cancel: () => stream.resume(),
    });
    requests.open(this.metadata);
    const reader = createFrameReader({
      maxBytes: limits.maxRequestBytes,
      sent: "answered",
      reserve: (bytes) => this.#host.reserve(bytes),
    });
    const take = (message: Uint8Array): void => requests.push(message);
    stream.on("data", (chunk: Uint8Array) => {
      if (this.#ended) return;
      try {
        reader.push(chunk, take);
      } catch (error) {
        reader.release();
        requests.finish(error);
        this.#endBadRequest(error);
      }
    });
    const onEnd = (): void => {
      if (wasReset(stream)) return;
      try {
        reader.end();
        requests.finish();
      } catch (error) {
        requests.finish(error);
        this.#endBadRequest(error);
      }
    };
    // @NOTE Clients on Node's http2 end a stream and then reset it when they cancel: wait for what else came along.
    stream.on("end", () => setImmediate(onEnd));
    stream.on("close", () => {
      reader.release();
      requests.finish(new TransportError(Status.cancelled, { sent: "answered" }));
    });
    try {
      this.#respond(handle(requests, this), undefined);
    } catch (error) {
      this.#fail(error);
    }
  }

  #endBadRequest(error: unknown): void {
    if (error instanceof TransportError) this.end(error.status, error.code);
    else this.#fail(error);
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    const { status, reason } = statusOfFailure(error);
    if (status === Status.internal) {
      this.#host.log.write("error", "transport.handler-failed", {
        path: this.#headers[":path"],
        error,
      });
    }
    this.end(status, reason);
  }

  #onDeadline(): void {
    const blocked = this.#outbound?.blocked === true;
    this.end(Status.deadlineExceeded, "deadline exceeded");
    // Trailers would queue behind what the caller does not read.
    if (blocked) this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  #onClose(): void {
    this.#receiving = false;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    if (!this.#ended) {
      this.#ended = true;
      this.#abort();
    }
    this.#outbound?.fail(new TransportError(Status.cancelled, { sent: "answered" }));
    this.#host.left(this);
  }

  #abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#controller?.abort();
    const iterator = this.#iterator;
    this.#iterator = undefined;
    // Lets the handler's `finally` run; one that waits for something must watch its signal.
    iterator?.return?.().then(ignore, ignore);
  }
}

function sendTrailers(stream: ServerHttp2Stream, trailers: OutgoingHttpHeaders): void {
  if (stream.destroyed || stream.closed) return;
  stream.sendTrailers(trailers);
  stopListening(stream);
}

/** Ends a caller's direction that is still open once the answer went out. NO_ERROR: the answer stands (RFC 9113 §8.1). */
function stopListening(stream: ServerHttp2Stream): void {
  if (!stream.readableEnded) setImmediate(closeStream, stream);
}

function closeStream(stream: ServerHttp2Stream): void {
  if (!stream.closed && !stream.destroyed && !stream.readableEnded) stream.close();
}

/** True where `end` only means that the caller reset the stream. */
function wasReset(stream: ServerHttp2Stream): boolean {
  return stream.aborted || (stream.rstCode ?? 0) !== 0;
}

function ignore(): void {}
