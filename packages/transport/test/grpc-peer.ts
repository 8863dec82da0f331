import * as grpc from "@grpc/grpc-js";
import { Status, StatusError, TransportError, type Routes } from "@coterie/transport";
import type { CallContext, Duplex, IncomingStream, Metadata } from "@coterie/transport";
import type { CallOptions, StatusCode, Transport } from "@coterie/transport";

/** The independent peer: the same routes and the same port, over @grpc/grpc-js. */

const same = (bytes: Buffer): Buffer => bytes;
const plain = (bytes: Buffer): Uint8Array =>
  new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
const mib = 1024 * 1024;

type ServerCall = Pick<grpc.ServerUnaryCall<Buffer, Buffer>, "metadata" | "getPeer"> & {
  on(event: "cancelled", listener: () => void): unknown;
};

function contextOf(call: ServerCall): CallContext {
  const controller = new AbortController();
  call.on("cancelled", () => controller.abort());
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(call.metadata.getMap())) {
    if (name !== "user-agent") {
      metadata[name] = typeof value === "string" ? value : value.toString("base64");
    }
  }
  return { signal: controller.signal, metadata, peer: call.getPeer() };
}

function errorOf(failure: unknown): grpc.ServiceError {
  const status = failure instanceof StatusError ? failure.status : Status.internal;
  const details = failure instanceof StatusError ? failure.reason : "internal error";
  return Object.assign(new Error(details), {
    code: status,
    details,
    metadata: new grpc.Metadata(),
  });
}

async function pump(
  answers: AsyncIterable<Uint8Array>,
  call: grpc.ServerWritableStream<Buffer, Buffer> | grpc.ServerDuplexStream<Buffer, Buffer>,
): Promise<void> {
  const gone = new Promise<boolean>((resolve) => call.once("cancelled", () => resolve(true)));
  try {
    for await (const message of answers) {
      if (call.cancelled) break;
      if (call.write(Buffer.from(message))) continue;
      const drained = new Promise<boolean>((resolve) => call.once("drain", () => resolve(false)));
      if (await Promise.race([drained, gone])) break;
    }
    call.end();
  } catch (error) {
    call.emit("error", errorOf(error));
  }
}

export interface GrpcServer {
  readonly url: string;
  /** Lets running calls finish. */
  shutdown(): Promise<void>;
  kill(): void;
}

export async function serveWithGrpcJs(routes: Routes, port = 0): Promise<GrpcServer> {
  const server = new grpc.Server({ "grpc.max_receive_message_length": 50 * mib });
  for (const [path, route] of routes) {
    const definition = {
      path,
      requestStream: route.kind === "duplex",
      responseStream: route.kind !== "unary",
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    };
    const service = { [path]: definition } as grpc.ServiceDefinition;
    if (route.kind === "unary") {
      const handle: grpc.handleUnaryCall<Buffer, Buffer> = (call, done) => {
        void (async () => {
          try {
            done(null, Buffer.from(await route.handle(plain(call.request), contextOf(call))));
          } catch (error) {
            done(errorOf(error));
          }
        })();
      };
      server.addService(service, { [path]: handle });
    } else if (route.kind === "server-stream") {
      const handle: grpc.handleServerStreamingCall<Buffer, Buffer> = (call) => {
        try {
          const answers = route.handle(plain(call.request), contextOf(call));
          const headers = new grpc.Metadata();
          for (const [name, value] of Object.entries(route.headers ?? {})) headers.set(name, value);
          call.sendMetadata(headers);
          void pump(answers, call);
        } catch (error) {
          call.emit("error", errorOf(error));
        }
      };
      server.addService(service, { [path]: handle });
    } else {
      const handle: grpc.handleBidiStreamingCall<Buffer, Buffer> = (call) => {
        const requests = (async function* () {
          try {
            for await (const message of call.iterator({ destroyOnReturn: false })) {
              yield plain(message as Buffer);
            }
          } catch {
            throw new TransportError(Status.cancelled, { sent: "answered" });
          }
          if (call.cancelled) throw new TransportError(Status.cancelled, { sent: "answered" });
        })();
        const answers = route.handle(requests, contextOf(call));
        call.sendMetadata(new grpc.Metadata());
        void pump(answers, call);
      };
      server.addService(service, { [path]: handle });
    }
  }
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(
      `127.0.0.1:${port}`,
      grpc.ServerCredentials.createInsecure(),
      (error, number) => (error ? reject(error) : resolve(number)),
    );
  });
  return {
    url: `http://127.0.0.1:${bound}`,
    shutdown: () => new Promise((resolve) => server.tryShutdown(() => resolve())),
    kill: () => server.forceShutdown(),
  };
}

export function createGrpcJsTransport(url: string): Transport {
  const client = new grpc.Client(url.replace("http://", ""), grpc.credentials.createInsecure(), {
    "grpc.max_receive_message_length": 25 * mib,
    "grpc.initial_reconnect_backoff_ms": 10,
    "grpc.min_reconnect_backoff_ms": 10,
    "grpc.max_reconnect_backoff_ms": 20,
  });
  let closed = false;
  const running = new Set<{ cancel(): void }>();
  function track<Call extends { cancel(): void; on(event: "status", heard: () => void): unknown }>(
    call: Call,
  ): Call {
    running.add(call);
    call.on("status", () => running.delete(call));
    return call;
  }

  function optionsOf(options: CallOptions = {}): [grpc.Metadata, grpc.CallOptions] {
    const metadata = new grpc.Metadata();
    try {
      for (const [name, value] of Object.entries(options.metadata ?? {})) {
        metadata.set(name, name.endsWith("-bin") ? Buffer.from(value, "base64") : value);
      }
    } catch {
      throw new TransportError(Status.invalidArgument, {
        sent: "no",
        code: "transport/bad-metadata",
      });
    }
    const { timeoutMs } = options;
    return [metadata, timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs }];
  }

  function thrown(failure: unknown): TransportError {
    // Leaving a loop early makes a plain AbortError.
    const { code: given, details } = failure as Partial<grpc.ServiceError>;
    const code = typeof given === "number" ? given : Status.cancelled;
    const ambiguous = code === 1 || code === 4 || code === 14;
    return new TransportError(code as StatusCode, {
      sent: ambiguous ? "unknown" : "answered",
      reason: details,
    });
  }

  function incoming(
    call: grpc.ClientReadableStream<Buffer> | grpc.ClientDuplexStream<Buffer, Buffer>,
    options: CallOptions | undefined,
  ): IncomingStream {
    const opened = new Promise<Metadata>((resolve, reject) => {
      call.on("metadata", (metadata) => resolve(metadata.getMap() as Metadata));
      call.on("error", (error) => reject(thrown(error)));
    });
    opened.catch(() => {});
    options?.signal?.addEventListener("abort", () => call.cancel());
    const iterator = (async function* () {
      try {
        for await (const message of call) yield plain(message as Buffer);
      } catch (error) {
        throw thrown(error);
      } finally {
        call.cancel();
      }
    })();
    return { opened, cancel: () => call.cancel(), [Symbol.asyncIterator]: () => iterator };
  }

  return {
    unary: (path, request, options) =>
      new Promise((resolve, reject) => {
        if (closed || options?.signal?.aborted) {
          reject(new TransportError(Status.cancelled, { sent: "no" }));
          return;
        }
        const call = track(
          client.makeUnaryRequest(
            path,
            same,
            same,
            Buffer.from(request),
            ...optionsOf(options),
            (error, answer) => (error ? reject(thrown(error)) : resolve(plain(answer as Buffer))),
          ),
        );
        options?.signal?.addEventListener("abort", () => call.cancel());
      }),
    serverStream: (path, request, options) =>
      incoming(
        track(
          client.makeServerStreamRequest(
            path,
            same,
            same,
            Buffer.from(request),
            ...optionsOf(options),
          ),
        ),
        options,
      ),
    duplex(path, options): Duplex {
      const call = track(client.makeBidiStreamRequest(path, same, same, ...optionsOf(options)));
      const stream = incoming(call, options);
      let ended = false;
      call.on("status", () => (ended = true));
      return {
        ...stream,
        async send(message) {
          if (ended) throw new TransportError(Status.cancelled, { sent: "unknown" });
          if (!call.write(Buffer.from(message))) {
            await new Promise<void>((resolve) => call.once("drain", resolve));
          }
        },
        end: () => call.end(),
      };
    },
    async close() {
      closed = true;
      for (const call of running) call.cancel();
      client.close();
    },
  };
}
