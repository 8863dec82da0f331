import { invariant } from "@coterie/base";
import { Status } from "../transport.ts";
import { StatusError } from "../errors.ts";
import { aborted, deferred, failure, readAll, same, sameBytes, settled } from "./assert.ts";
import { createCases, path, type ConformanceCase, type Open } from "./case.ts";

const mib = 1024 * 1024;

/** Calls whose both directions flow. */
export function duplexCases(
  open: Open,
  { halfClose, underWayBytes }: { readonly halfClose: boolean; readonly underWayBytes: number },
): ConformanceCase[] {
  const { cases, add } = createCases(open);

  add(
    "a duplex call carries 2,000 messages both ways, in order",
    () => ({ Echo: { kind: "duplex", handle: (requests) => requests } }),
    async ({ transport }) => {
      const call = transport.duplex(path("Echo"));
      const sending = (async () => {
        for (let i = 0; i < 2000; i++) await call.send(Uint8Array.of(i >> 8, i & 255));
      })();
      const reader = call[Symbol.asyncIterator]();
      for (let i = 0; i < 2000; i++) {
        const { value } = await reader.next();
        invariant(value !== undefined, "the stream goes on");
        sameBytes(value, Uint8Array.of(i >> 8, i & 255), `message ${i}`);
      }
      await sending;
      call.end();
      same((await reader.next()).done, true, "end");
    },
  );

  add(
    "a duplex call opens before anything is sent, and answers message by message",
    () => ({ Echo: { kind: "duplex", handle: (requests) => requests } }),
    async ({ transport }) => {
      const call = transport.duplex(path("Echo"));
      await call.opened;
      const reader = call[Symbol.asyncIterator]();
      for (let i = 0; i < 5; i++) {
        const message = new Uint8Array(i * 20_000).fill(i);
        await call.send(message);
        const step = await reader.next();
        invariant(step.done !== true, "the stream goes on");
        sameBytes(step.value, message, "answer");
      }
      call.end();
      same((await reader.next()).done, true, "end");
    },
  );

  const addHalfClose: typeof add = (...its) => void (halfClose && add(...its));
  addHalfClose(
    "half-close: our end of sending leaves the answers flowing",
    () => ({
      Sum: {
        kind: "duplex",
        async *handle(requests) {
          let sum = 0;
          for await (const [value] of requests) sum += value as number;
          for (let i = 0; i < 3; i++) yield Uint8Array.of(sum + i);
        },
      },
    }),
    async ({ transport }) => {
      const call = transport.duplex(path("Sum"));
      await call.send(Uint8Array.of(2));
      await call.send(Uint8Array.of(3));
      call.end();
      const { messages, error } = await readAll(call);
      same(error, undefined, "error");
      same(messages.map(([value]) => value).join(), "5,6,7", "answers");
    },
  );

  add(
    "the server may end first, well or badly",
    () => ({
      Once: {
        kind: "duplex",
        async *handle(requests) {
          for await (const request of requests) {
            yield request;
            return;
          }
        },
      },
      Refuse: {
        kind: "duplex",
        // oxlint-disable-next-line require-yield
        async *handle(requests) {
          for await (const _ of requests) throw new StatusError(Status.permissionDenied, "no");
        },
      },
    }),
    async ({ transport }) => {
      const once = transport.duplex(path("Once"));
      await once.send(Uint8Array.of(1));
      const { messages, error } = await readAll(once);
      same(error, undefined, "error");
      same(messages.length, 1, "messages");

      const refuse = transport.duplex(path("Refuse"));
      await refuse.send(Uint8Array.of(1));
      same((await readAll(refuse)).error?.status, Status.permissionDenied, "status");
      const late = await failure(refuse.send(Uint8Array.of(2)), "send after the end");
      invariant(late.sent !== "no", "sent");
    },
  );

  add(
    "cancelling ends both directions",
    () => ({
      Wait: {
        kind: "duplex",
        async *handle(requests, { signal }) {
          yield Uint8Array.of(1);
          void readAll(requests).then(({ error }) => requestsEnded.resolve(error !== undefined));
          await aborted(signal);
          signalled.resolve();
        },
      },
    }),
    async ({ transport }) => {
      const call = transport.duplex(path("Wait"));
      await call.opened;
      const reader = call[Symbol.asyncIterator]();
      await reader.next();
      call.cancel();
      await signalled.promise;
      same(await requestsEnded.promise, true, "the handler's requests fail");
    },
  );
  const signalled = deferred();
  const requestsEnded = deferred<boolean>();

  add(
    "sending waits for a handler that does not read",
    () => ({
      Sleep: {
        kind: "duplex",
        async *handle(requests) {
          yield Uint8Array.of(0);
          await wake.promise;
          let bytes = 0;
          for await (const request of requests) {
            bytes += request.length;
            if (bytes === 32 * mib) yield Uint8Array.of(bytes / mib);
          }
        },
      },
    }),
    async ({ transport }) => {
      const call = transport.duplex(path("Sleep"));
      await call.opened;
      let sent = 0;
      const sending = (async () => {
        for (; sent < 512; sent++) await call.send(new Uint8Array(64 * 1024));
      })();
      const stuck = await settled(() => sent);
      invariant(stuck * 64 * 1024 <= underWayBytes, `${stuck} messages of 64 KiB were taken`);
      wake.resolve();
      await sending;
      const reader = call[Symbol.asyncIterator]();
      await reader.next();
      same((await reader.next()).value?.[0], 32, "MiB that arrived");
      call.end();
      same((await reader.next()).done, true, "end");
    },
  );
  const wake = deferred();

  return cases;
}
