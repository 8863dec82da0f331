import { constants } from "node:http2";
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Log } from "@coterie/base";
import { Status, type CallContext, type Metadata, type Route } from "../transport.ts";
import type { Routes, StatusCode } from "../transport.ts";
import { statusOfFailure, StatusError, TransportError } from "../errors.ts";
import { metadataOf } from "../headers.ts";
import { isOpen, okHeaders, sendOnlyHeaders, sendTrailers, trailersOf } from "./answer.ts";
import type { ServerLimits } from "./limits.ts";
import { Outbound, writeSingle } from "./outbound.ts";
import { AnswerShare, pumpAnswers, StallWatch, termsOf } from "./serving.ts";
import { missingRequest, readMany, readSingle, type RequestLimits } from "./request.ts";

/** What a call needs of the connection that it came on. */
export interface CallHost {
  readonly routes: Routes;
  readonly limits: ServerLimits;
  readonly requests: RequestLimits;
  readonly peer: string;
  readonly log: Log;
  /** Handlers that run, also of calls that the caller has left. */
  running: number;
  /** Takes from what all answers may hold in memory; throws when nothing is left. */
  reserveAnswer(bytes: number): void;
  /** The call ended, however. */
  left(call: ServedCall): void;
}

/** What the server asks of a call that runs. */
export interface ServedCall {
  readonly kind: Route["kind"] | undefined;
  /** Asks the handler to end the call by itself, by its signal: what it still has to say goes out. */
  windUp(): void;
  /** Ends the call because the server stops (XND-39). */
  stop(): void;
  /** Called from time to time: cuts callers that send or read too slowly (A38, F42). */
  sweep(now: number): void;
}

/** Whoever compressed is told what we speak (SCN-03). */
const refusalHeaders = { ...okHeaders, "grpc-accept-encoding": "identity" };
const withTrailers = { waitForTrailers: true } as const;

/** One call on the server, from its headers to its trailers. Handlers see it as their context. */
export class ServerCall implements CallContext, ServedCall {
  readonly #host: CallHost;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  #route: Route | undefined;
  #controller: AbortController | undefined;
  #aborted = false;
  #woundUp = false;
  #timer: NodeJS.Timeout | undefined;
  #trailers = trailersOf(Status.ok, "");
  #ended = false;
  #outbound: Outbound | undefined;
  #iterator: AsyncIterator<Uint8Array> | undefined;
  readonly #share: AnswerShare;
  readonly #watch = new StallWatch();
  #receiving = false;

  readonly #headerBytes: number;

  constructor(
    host: CallHost,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    rawHeaders: readonly string[],
  ) {
    let bytes = 0;
    for (const text of rawHeaders) bytes += text.length;
    this.#headerBytes = bytes;
    this.#host = host;
    this.#share = new AnswerShare(host.reserveAnswer);
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
      if (this.#aborted || this.#woundUp) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  get kind(): Route["kind"] | undefined {
    return this.#route?.kind;
  }

  /** Reads the headers, refuses what cannot be served, and begins. `bodyless` when the request ended with its headers. */
  begin(bodyless: boolean): void {
    const { limits, requests, running } = this.#host;
    const stream = this.#stream;
    stream.on("error", ignore);
    stream.on("close", () => this.#onClose());
    if (running >= limits.maxConcurrentStreams) {
      // A39: resetting a call does not free its place while its handler runs.
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
      return;
    }
    const refusal = this.#refuse();
    if (typeof refusal === "number") {
      this.#ended = true;
      sendOnlyHeaders(stream, { ":status": refusal });
    } else if (refusal !== undefined) this.#fail(refusal);
    else if (this.#route?.kind === "duplex") {
      const { handle } = this.#route;
      const incoming = readMany(stream, requests, (error) => this.#failRequest(error));
      incoming.open(this.metadata);
      this.#run(() => this.#flow(handle(incoming, this), undefined));
    } else if (bodyless) this.#fail(missingRequest());
    else {
      this.#receiving = true;
      readSingle(
        stream,
        requests,
        (request) => this.#onRequest(request),
        (error) => this.#failRequest(error),
      );
    }
  }

  /** Ends the call with a verdict; the first one counts. */
  end(status: StatusCode, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#receiving = false;
    this.#watch.moved();
    const stream = this.#stream;
    if (isOpen(stream)) {
      const trailers = trailersOf(status, reason);
      if (!stream.headersSent) sendOnlyHeaders(stream, { ...refusalHeaders, ...trailers });
      else {
        this.#trailers = trailers;
        this.#outbound?.end();
      }
    }
    if (status !== Status.ok) this.#abort();
  }

  windUp(): void {
    this.#woundUp = true;
    this.#controller?.abort();
  }

  /** Ends the call because the server stops (XND-39). */
  stop(): void {
    this.end(Status.unavailable, "the server is stopping");
  }

  /** Called from time to time: cuts callers that send or read too slowly (A38, F42). */
  sweep(now: number): void {
    const { requestTimeoutMs, stallTimeoutMs } = this.#host.limits;
    const waited = this.#watch.waited(now, this.#outbound?.drains ?? 0);
    if (this.#receiving) {
      if (waited <= requestTimeoutMs) return;
      this.end(Status.deadlineExceeded, "the request took too long to arrive");
    } else if ((this.#ended || this.#stream.writableLength > 0) && waited > stallTimeoutMs) {
      // without a window not even the end goes out
      this.#ended = true;
      this.#abort();
      this.#stream.close(constants.NGHTTP2_CANCEL);
    }
  }

  /** Why the call cannot be served: a status of gRPC or of HTTP. If it can, its deadline runs from here. */
  #refuse(): StatusError | number | undefined {
    const headers = this.#headers;
    if (this.#headerBytes > this.#host.limits.maxHeaderBytes) {
      // A39: the setting of the same name binds peers only once they have acknowledged it.
      return constants.HTTP_STATUS_REQUEST_HEADER_FIELDS_TOO_LARGE;
    }
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
    const terms = termsOf(headers);
    if (typeof terms !== "number") return terms;
    this.#timer = setTimeout(() => this.#onDeadline(), terms);
    return undefined;
  }

  #onRequest(request: Uint8Array): void {
    if (this.#ended) return;
    this.#receiving = false;
    this.#watch.moved();
    const route = this.#route as Route;
    if (route.kind === "unary") this.#run(() => this.#answer(route.handle(request, this)));
    else if (route.kind === "server-stream") {
      this.#run(() => this.#flow(route.handle(request, this), route.headers));
    }
  }

  /** Runs a handler; what it throws becomes the verdict. */
  #run(handler: () => Promise<void> | undefined): void {
    try {
      const running = handler();
      if (running === undefined) return;
      this.#host.running++;
      running.then(
        () => this.#host.running--,
        (error: unknown) => {
          this.#host.running--;
          this.#fail(error);
        },
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  #answer(answer: Promise<Uint8Array> | Uint8Array): Promise<void> | undefined {
    if (!(answer instanceof Uint8Array)) return answer.then((message) => this.#send(message));
    this.#send(answer);
    return undefined;
  }

  #send(message: Uint8Array): void {
    const stream = this.#stream;
    if (this.#ended || !isOpen(stream)) return;
    this.#share.hold(message.length);
    this.#ended = true;
    this.#watch.moved();
    this.#respond(okHeaders);
    writeSingle(stream, message);
  }

  #respond(headers: OutgoingHttpHeaders): void {
    const stream = this.#stream;
    stream.respond(headers, withTrailers);
    stream.on("wantTrailers", () => sendTrailers(stream, this.#trailers));
  }

  async #flow(answers: AsyncIterable<Uint8Array>, headers: Metadata | undefined): Promise<void> {
    // XND-04, SCN-02: headers leave now. The handler's first step runs in the same turn, so nothing that the caller does after seeing
    // them comes before it.
    this.#respond(headers === undefined ? okHeaders : { ...headers, ...okHeaders });
    const outbound = new Outbound();
    this.#outbound = outbound;
    outbound.attach(this.#stream);
    const iterator = answers[Symbol.asyncIterator]();
    this.#iterator = iterator;
    if (!(await pumpAnswers(iterator, outbound, () => this.#ended, this.#share))) return;
    this.#iterator = undefined;
    this.end(Status.ok, "");
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    const { status, reason } = statusOfFailure(error);
    if (!(error instanceof StatusError)) {
      const path = this.#headers[":path"];
      this.#host.log.write("error", "transport.handler-failed", { path, error });
    }
    this.end(status, reason);
  }

  /** What was wrong with the request itself. */
  #failRequest(error: unknown): void {
    if (error instanceof TransportError) this.end(error.status, error.code);
    else this.#fail(error);
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
    this.#share.hold(0);
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

function ignore(): void {}
