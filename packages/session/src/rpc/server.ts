import type { App } from "../api/app.ts";
import type { NameLike } from "../api/name.ts";
import { rpcSession } from "./bind.ts";
import { pathOf, streamStream, streamUnary, unaryStream, unaryUnary } from "./handlers.ts";
import type {
  Served,
  StreamStreamHandler,
  StreamUnaryHandler,
  UnaryStreamHandler,
  UnaryUnaryHandler,
} from "./handlers.ts";
import { systemTime } from "./port.ts";
import { serveSession } from "./serve.ts";
import { RpcCode, RpcError } from "./status.ts";

/** Answers calls in every session that others begin with this app. */
export class Server implements AsyncDisposable {
  readonly #app: App;
  readonly #baseName: NameLike;
  readonly #connectionId: bigint | undefined;
  readonly #served: Map<string, Served> = new Map<string, Served>();
  #running: { readonly off: AbortController; readonly done: Promise<void> } | undefined;

  /** `baseName`: what callers call. The app answers to it while this serves. */
  constructor(app: App, baseName: NameLike, connectionId?: bigint) {
    this.#app = app;
    this.#baseName = baseName;
    this.#connectionId = connectionId;
  }

  static newWithConnection(app: App, baseName: NameLike, connectionId?: bigint): Server {
    return new Server(app, baseName, connectionId);
  }

  /** Methods may be added at any time. An `RpcError` that a handler throws goes to the caller as it is (SRP-08). */
  registerUnaryUnary(service: string, method: string, handler: UnaryUnaryHandler): void {
    this.#served.set(pathOf(service, method), unaryUnary(handler));
  }
  registerUnaryStream(service: string, method: string, handler: UnaryStreamHandler): void {
    this.#served.set(pathOf(service, method), unaryStream(handler));
  }
  registerStreamUnary(service: string, method: string, handler: StreamUnaryHandler): void {
    this.#served.set(pathOf(service, method), streamUnary(handler));
  }
  registerStreamStream(service: string, method: string, handler: StreamStreamHandler): void {
    this.#served.set(pathOf(service, method), streamStream(handler));
  }

  /** `service/method` of each. */
  methods(): string[] {
    return [...this.#served.keys()];
  }

  /** Serves until `shutdown`, or until the app is closed. Rejects when it serves already, or cannot answer to its name. */
  serve(): Promise<void> {
    if (this.#running !== undefined) {
      return Promise.reject(new RpcError(RpcCode.FailedPrecondition, "this server runs"));
    }
    const off = new AbortController();
    const done = this.#serve(off.signal).finally(() => (this.#running = undefined));
    this.#running = { off, done };
    return done;
  }
  serveAsync(): Promise<void> {
    return this.serve();
  }

  /** Takes no more sessions, ends calls that are under way with CANCELLED, and closes their sessions. */
  async shutdown(): Promise<void> {
    this.#running?.off.abort();
    await this.#running?.done.catch(() => undefined);
  }
  shutdownAsync(): Promise<void> {
    return this.shutdown();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  async #serve(signal: AbortSignal): Promise<void> {
    await this.#app.subscribe(this.#baseName, this.#connectionId);
    const serving = new Set<Promise<void>>();
    for (;;) {
      let session;
      try {
        session = await this.#app.listenForSession(undefined, { signal });
      } catch (error) {
        await Promise.all(serving);
        if (signal.aborted) return;
        throw error;
      }
      const served = serveSession({
        session: rpcSession(session),
        find: (path) => this.#served.get(path),
        time: systemTime,
        signal,
      }).finally(() => serving.delete(served));
      serving.add(served);
    }
  }
}
