import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { Status, type CallContext, type Metadata, type Route } from "../transport.ts";
import type { StatusCode } from "../transport.ts";
import { StatusError, TransportError, statusOfFailure } from "../errors.ts";
import { encodeFrame, frameHeaderBytes } from "../framing.ts";
import { encodeGrpcMessage, metadataOf } from "../headers.ts";
import { Outbound } from "../h2/outbound.ts";
import { readSingle } from "../h2/request.ts";
import { AnswerShare, pumpAnswers, StallWatch, termsOf } from "../h2/serving.ts";
import type { CallHost, ServedCall } from "../h2/serve-call.ts";
import { encodeTrailers } from "./trailers.ts";

export interface WebExchange {
  readonly request: IncomingMessage | Http2ServerRequest;
  readonly response: ServerResponse | Http2ServerResponse;
  /** What the answer tells the browser about who may read it. */
  readonly cors: OutgoingHttpHeaders;
}

const contentType = "application/grpc-web+proto";

/** One gRPC-web call on the server (XND-06), over HTTP/1.1 or HTTP/2. Handlers see it as their context. */
export class WebServerCall implements CallContext, ServedCall {
  readonly #host: CallHost;
  readonly #request: WebExchange["request"];
  readonly #response: ServerResponse;
  readonly #cors: OutgoingHttpHeaders;
  readonly #controller = new AbortController();
  #route: Route | undefined;
  #timer: NodeJS.Timeout | undefined;
  #outbound: Outbound | undefined;
  #iterator: AsyncIterator<Uint8Array> | undefined;
  #trailers = encodeTrailers(Status.ok, "");
  #ended = false;
  #closed = false;
  readonly #share: AnswerShare;
  #receiving = false;
  readonly #watch = new StallWatch();

  constructor(host: CallHost, { request, response, cors }: WebExchange) {
    this.#host = host;
    this.#share = new AnswerShare(host.reserveAnswer);
    this.#request = request;
    // Both speak the part of Node's interface that is used here; their types only differ in what they extend.
    this.#response = response as ServerResponse;
    this.#cors = cors;
  }

  get peer(): string {
    return this.#host.peer;
  }
  get metadata(): Metadata {
    return metadataOf(this.#request.headers);
  }
  get signal(): AbortSignal {
    return this.#controller.signal;
  }
  get kind(): Route["kind"] | undefined {
    return this.#route?.kind;
  }

  /** Reads the headers, refuses what cannot be served, and begins. */
  begin(): void {
    const { limits, requests, running } = this.#host;
    this.#response.on("error", ignore);
    this.#request.on("error", ignore);
    this.#response.on("close", () => this.#onClose());
    const refusal =
      running >= limits.maxConcurrentStreams
        ? new StatusError(Status.resourceExhausted, "too many calls at once")
        : this.#refuse();
    if (refusal !== undefined) {
      this.#fail(refusal);
      return;
    }
    this.#receiving = true;
    readSingle(
      this.#request,
      requests,
      (message) => this.#onRequest(message),
      (error) => {
        if (error instanceof TransportError) this.end(error.status, error.code);
        else this.#fail(error);
      },
    );
  }

  /** Ends the call with a verdict; the first one counts. */
  end(status: StatusCode, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#receiving = false;
    this.#watch.moved();
    this.#trailers = encodeTrailers(status, reason);
    if (this.#outbound) this.#outbound.end();
    else if (!this.#closed) {
      // Beside the frame also as headers: a caller that waits for the answer to open hears of the refusal at once.
      const words = reason === "" ? {} : { "grpc-message": encodeGrpcMessage(reason) };
      this.#respondWhole({ "grpc-status": String(status), ...words }, this.#trailers);
    }
    if (status !== Status.ok) this.#abort();
  }

  windUp(): void {
    this.#controller.abort();
  }

  stop(): void {
    this.end(Status.unavailable, "the server is stopping");
  }

  sweep(now: number): void {
    const { requestTimeoutMs, stallTimeoutMs } = this.#host.limits;
    const waited = this.#watch.waited(now, this.#outbound?.drains ?? 0);
    if (this.#receiving) {
      if (waited > requestTimeoutMs) {
        this.end(Status.deadlineExceeded, "the request took too long to arrive");
      }
    } else if (this.#response.writableLength > 0 && waited > stallTimeoutMs) {
      this.#ended = true;
      this.#abort();
      this.#response.destroy();
    }
  }

  /** Why the call cannot be served. If it can, its deadline runs from here. */
  #refuse(): StatusError | undefined {
    const { headers, url = "" } = this.#request;
    this.#route = this.#host.routes.get(url);
    // XND-05. What flows both ways does not flow through gRPC-web.
    if (this.#route === undefined || this.#route.kind === "duplex") {
      this.#route = undefined;
      return new StatusError(Status.unimplemented, "unknown method");
    }
    const length = Number(headers["content-length"] ?? 0);
    if (length > this.#host.requests.maxBytes + frameHeaderBytes) {
      return new StatusError(Status.resourceExhausted, "transport/too-large");
    }
    const terms = termsOf(headers);
    if (typeof terms !== "number") return terms;
    this.#timer = setTimeout(() => this.#onDeadline(), terms);
    return undefined;
  }

  #onRequest(message: Uint8Array): void {
    if (this.#ended) return;
    this.#receiving = false;
    this.#watch.moved();
    const route = this.#route as Exclude<Route, { kind: "duplex" }>;
    if (route.kind === "unary")
      this.#run(async () => this.#send(await route.handle(message, this)));
    else this.#run(async () => this.#flow(route.handle(message, this), route.headers));
  }

  /** Runs a handler; what it throws becomes the verdict. */
  #run(handler: () => Promise<void>): void {
    this.#host.running++;
    handler().then(
      () => this.#host.running--,
      (error: unknown) => {
        this.#host.running--;
        this.#fail(error);
      },
    );
  }

  #send(message: Uint8Array): void {
    if (this.#ended || this.#closed) return;
    this.#share.hold(message.length);
    this.#ended = true;
    this.#watch.moved();
    this.#respondWhole({}, encodeFrame(message), this.#trailers);
  }

  #respondWhole(headers: OutgoingHttpHeaders, ...parts: readonly Uint8Array[]): void {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    this.#writeHead({ ...headers, "content-length": String(length) });
    for (const part of parts) this.#response.write(part);
    this.#response.end();
  }

  #writeHead(more: OutgoingHttpHeaders): void {
    this.#response.writeHead(200, {
      ...more,
      ...this.#cors,
      "content-type": contentType,
      "cache-control": "no-store",
    });
  }

  async #flow(answers: AsyncIterable<Uint8Array>, headers: Metadata = {}): Promise<void> {
    const response = this.#response;
    // XND-04: headers leave now, and the handler's first step runs in the same turn.
    this.#writeHead(headers);
    response.flushHeaders?.();
    const outbound = new Outbound();
    this.#outbound = outbound;
    outbound.attach({
      get destroyed() {
        return response.destroyed;
      },
      get closed() {
        return response.writableEnded;
      },
      // @NOTE A corked answer of HTTP/1.1 that fills up says so and never says that it drained.
      cork() {},
      uncork() {},
      write: (chunk) => response.write(chunk),
      end: () => response.end(this.#trailers),
      on: (event, listener) => response.on(event, listener),
    });
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
      this.#host.log.write("error", "transport.handler-failed", { path: this.#request.url, error });
    }
    this.end(status, reason);
  }

  #onDeadline(): void {
    const blocked = this.#outbound?.blocked === true;
    this.end(Status.deadlineExceeded, "deadline exceeded");
    // Trailers would queue behind what the caller does not read.
    if (blocked) this.#response.destroy();
  }

  #onClose(): void {
    this.#closed = true;
    this.#receiving = false;
    clearTimeout(this.#timer);
    if (!this.#ended) {
      this.#ended = true;
      this.#abort();
    }
    this.#share.hold(0);
    this.#outbound?.fail(new TransportError(Status.cancelled, { sent: "answered" }));
    this.#host.left(this);
  }

  #abort(): void {
    this.#controller.abort();
    const iterator = this.#iterator;
    this.#iterator = undefined;
    // Lets the handler's `finally` run; one that waits for something must watch its signal.
    iterator?.return?.().then(ignore, ignore);
  }
}

function ignore(): void {}
