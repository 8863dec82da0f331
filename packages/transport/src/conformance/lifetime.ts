import { invariant } from "@coterie/base";
import { Status } from "../transport.ts";
import { aborted, deferred, readAll, same, sameBytes } from "./assert.ts";
import { createCases, echo, path, type ConformanceCase, type Open } from "./case.ts";

/** What happens when the server stops and comes back. */
export function lifetimeCases(open: Open, tellsUnsent: boolean): ConformanceCase[] {
  const { cases, add } = createCases(open);

  add(
    "XND-39: a stopping server ends streams with UNAVAILABLE and lets unary calls finish",
    () => ({
      Slow: {
        kind: "unary",
        async handle(request) {
          running.resolve();
          await release.promise;
          return request;
        },
      },
      Live: {
        kind: "server-stream",
        async *handle(_, { signal }) {
          yield Uint8Array.of(1);
          await aborted(signal);
          stopped.resolve();
        },
      },
    }),
    async ({ transport, stopServer }) => {
      if (!stopServer) return;
      const unary = transport.unary(path("Slow"), Uint8Array.of(7));
      const stream = transport.serverStream(path("Live"), new Uint8Array());
      await stream.opened;
      await running.promise;
      const stop = stopServer();
      const { messages, error } = await readAll(stream);
      same(messages.length, 1, "messages");
      same(error?.status, Status.unavailable, "status");
      await stopped.promise;
      release.resolve();
      sameBytes(await unary, Uint8Array.of(7), "answer of the running call");
      await stop;
    },
  );
  const running = deferred();
  const release = deferred();
  const stopped = deferred();

  add(
    "XST-06: calls fail while the server is away, unsent, and go through once it is back",
    () => ({ Echo: echo }),
    async ({ transport, stopServer, startServer }) => {
      if (!stopServer || !startServer) return;
      for (let round = 1; round <= 3; round++) {
        sameBytes(
          await transport.unary(path("Echo"), Uint8Array.of(round)),
          Uint8Array.of(round),
          "answer",
        );
        await stopServer();
        const error = await transport.unary(path("Echo"), Uint8Array.of(9)).then(
          () => undefined,
          (thrown: unknown) => thrown as { status?: number; sent?: string },
        );
        invariant(error !== undefined, "the call failed");
        same(error.status, Status.unavailable, "status");
        same(error.sent, tellsUnsent ? "no" : "unknown", "sent");
        await startServer();
      }
      sameBytes(
        await transport.unary(path("Echo"), Uint8Array.of(4)),
        Uint8Array.of(4),
        "the last answer",
      );
    },
  );

  return cases;
}

/** The same for calls whose both directions flow. */
export function duplexLifetimeCases(open: Open): ConformanceCase[] {
  const { cases, add } = createCases(open);

  add(
    "XST-06: calls of two directions fail while the server is away, and go through once it is back",
    () => ({ Echo: { kind: "duplex", handle: (requests) => requests } }),
    async ({ transport, stopServer, startServer }) => {
      if (!stopServer || !startServer) return;
      const exchange = async (): Promise<number | undefined> => {
        const call = transport.duplex(path("Echo"));
        await call.send(Uint8Array.of(5));
        const { value } = await call[Symbol.asyncIterator]().next();
        call.end();
        return value?.[0];
      };
      same(await exchange(), 5, "answer");
      await stopServer();
      const status = await exchange().catch((error: { status?: number }) => error.status);
      same(status, Status.unavailable, "status");
      await startServer();
      same(await exchange(), 5, "answer");
    },
  );

  return cases;
}
