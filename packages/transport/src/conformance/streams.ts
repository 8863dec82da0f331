import { invariant } from "@coterie/base";
import { Status } from "../transport.ts";
import { StatusError } from "../errors.ts";
import { aborted, deferred, failure, readAll, same, sameBytes, settled } from "./assert.ts";
import { createCases, echo, path, type ConformanceCase, type Open } from "./case.ts";

const mib = 1024 * 1024;
const nothing = new Uint8Array();

/** Calls with one request and many answers. */
export function streamCases(open: Open, underWayBytes: number): ConformanceCase[] {
  const { cases, add } = createCases(open);

  add(
    "10,000 messages arrive in order and the stream ends",
    () => ({
      Count: {
        kind: "server-stream",
        async *handle() {
          for (let i = 0; i < 10_000; i++) yield Uint8Array.of(i >> 8, i & 255);
        },
      },
    }),
    async ({ transport }) => {
      let next = 0;
      for await (const message of transport.serverStream(path("Count"), nothing)) {
        sameBytes(message, Uint8Array.of(next >> 8, next & 255), `message ${next}`);
        next++;
      }
      same(next, 10_000, "messages");
    },
  );

  add(
    "messages of every size arrive whole, empty ones too",
    () => ({
      Sizes: {
        kind: "server-stream",
        async *handle() {
          for (const size of sizes) yield new Uint8Array(size).fill(size % 251);
        },
      },
    }),
    async ({ transport }) => {
      const { messages, error } = await readAll(transport.serverStream(path("Sizes"), nothing));
      same(error, undefined, "error");
      same(messages.length, sizes.length, "messages");
      for (const [i, size] of sizes.entries()) {
        sameBytes(messages[i] as Uint8Array, new Uint8Array(size).fill(size % 251), `size ${size}`);
      }
    },
  );
  const sizes = [0, 0, 1, 4, 5, 16_379, 16_384, 3, 32_768, 65_536, 0, 24 * mib, 1, 1_000_003];

  add(
    "XND-04: response headers come before the first message, with the route's own",
    () => ({
      Silent: {
        kind: "server-stream",
        headers: { subscribed: "true" },
        async *handle(_, { signal }) {
          await aborted(signal);
          yield nothing;
        },
      },
    }),
    async ({ transport }) => {
      const stream = transport.serverStream(path("Silent"), nothing);
      same((await stream.opened)["subscribed"], "true", "header");
      stream.cancel();
    },
  );

  add(
    "XND-04: what happens after the stream opened is not missed",
    () => {
      const listeners = new Set<(message: Uint8Array) => void>();
      return {
        Publish: {
          kind: "unary",
          handle(message) {
            for (const listener of listeners) listener(message);
            return nothing;
          },
        },
        Subscribe: {
          kind: "server-stream",
          async *handle() {
            yield await new Promise<Uint8Array>((resolve) => listeners.add(resolve));
          },
        },
      };
    },
    async ({ transport }) => {
      for (let i = 0; i < 50; i++) {
        const stream = transport.serverStream(path("Subscribe"), nothing);
        await stream.opened;
        await transport.unary(path("Publish"), Uint8Array.of(i));
        const { messages } = await readAll(stream);
        sameBytes(messages[0] as Uint8Array, Uint8Array.of(i), "message");
      }
    },
  );

  add(
    "a failure comes after the messages before it",
    () => ({
      Fail: {
        kind: "server-stream",
        async *handle() {
          yield Uint8Array.of(1);
          yield Uint8Array.of(2);
          throw new StatusError(Status.aborted, "zu langsam: ü");
        },
      },
      FailFirst: {
        kind: "server-stream",
        handle: () => {
          throw new StatusError(Status.invalidArgument, "no filters");
        },
      },
    }),
    async ({ transport }) => {
      const { messages, error } = await readAll(transport.serverStream(path("Fail"), nothing));
      same(messages.length, 2, "messages");
      same(error?.status, Status.aborted, "status");
      same(error?.reason, "zu langsam: ü", "words");
      const first = transport.serverStream(path("FailFirst"), nothing);
      const opened = failure(first.opened, "opened");
      same((await readAll(first)).error?.status, Status.invalidArgument, "status");
      same((await opened).status, Status.invalidArgument, "status of opened");
    },
  );

  add(
    "XND-05: a stream of an unknown path is UNIMPLEMENTED",
    () => ({ Echo: echo }),
    async ({ transport }) => {
      const stream = transport.serverStream(path("Nope"), nothing);
      same((await readAll(stream)).error?.status, Status.unimplemented, "status");
    },
  );

  add(
    "leaving the loop, cancelling and aborting each end the handler",
    () => ({
      Flow: {
        kind: "server-stream",
        async *handle([who], { signal }) {
          try {
            for (;;) {
              yield Uint8Array.of(who as number);
              await Promise.race([aborted(signal), new Promise((next) => setTimeout(next, 1))]);
            }
          } finally {
            ended[who as number]?.resolve();
          }
        },
      },
    }),
    async ({ transport }) => {
      for await (const message of transport.serverStream(path("Flow"), Uint8Array.of(0))) {
        same(message[0], 0, "message");
        break;
      }
      await ended[0]?.promise;

      const second = transport.serverStream(path("Flow"), Uint8Array.of(1));
      await second.opened;
      second.cancel();
      same((await readAll(second)).error?.code, "transport/cancelled", "code after cancel");
      await ended[1]?.promise;

      const controller = new AbortController();
      const third = transport.serverStream(path("Flow"), Uint8Array.of(2), {
        signal: controller.signal,
      });
      await third.opened;
      controller.abort();
      same((await readAll(third)).error?.code, "transport/cancelled", "code after abort");
      await ended[2]?.promise;
    },
  );
  const ended = [deferred(), deferred(), deferred()];

  add(
    "the deadline ends a stream at both ends",
    () => ({
      Silent: {
        kind: "server-stream",
        async *handle(_, { signal }) {
          yield Uint8Array.of(1);
          await aborted(signal);
          deadlineSeen.resolve();
        },
      },
    }),
    async ({ transport }) => {
      const stream = transport.serverStream(path("Silent"), nothing, { timeoutMs: 500 });
      const { messages, error } = await readAll(stream);
      same(messages.length, 1, "messages");
      same(error?.code, "transport/deadline", "code");
      await deadlineSeen.promise;
    },
  );
  const deadlineSeen = deferred();

  add(
    "F42: a reader that pauses stops the handler, holds little, and disturbs nobody",
    () => ({
      Echo: echo,
      Endless: {
        kind: "server-stream",
        async *handle() {
          for (;;) {
            pulled++;
            yield new Uint8Array(16 * 1024);
          }
        },
      },
    }),
    async ({ transport }) => {
      pulled = 0;
      const stream = transport.serverStream(path("Endless"), nothing);
      await stream.opened;
      const before = await settled(() => pulled);
      invariant(before * 16 * 1024 <= underWayBytes, `${before} messages of 16 KiB are under way`);
      await transport.unary(path("Echo"), new Uint8Array(mib));
      let read = 0;
      for await (const message of stream) {
        read += message.length;
        if (read >= Math.max(16 * mib, 1.5 * underWayBytes)) break;
      }
      invariant(pulled > before, "the handler went on");
      const after = await settled(() => pulled);
      invariant(
        after * 16 * 1024 - read <= underWayBytes + mib,
        `${after} messages were asked for`,
      );
    },
  );
  let pulled = 0;

  add(
    "200 streams at once each get their own messages",
    () => ({
      Count: {
        kind: "server-stream",
        async *handle([who]) {
          for (let i = 0; i < 100; i++) {
            if (i % 10 === 0) await Promise.resolve();
            yield Uint8Array.of(who as number, i);
          }
        },
      },
    }),
    async ({ transport }) => {
      const all = Array.from({ length: 200 }, async (_, who) => {
        const stream = transport.serverStream(path("Count"), Uint8Array.of(who));
        const { messages, error } = await readAll(stream);
        same(error, undefined, "error");
        same(messages.length, 100, "messages");
        for (const [i, message] of messages.entries()) {
          sameBytes(message, Uint8Array.of(who, i), "message");
        }
      });
      await Promise.all(all);
    },
  );

  return cases;
}
