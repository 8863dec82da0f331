import { invariant } from "@coterie/base";
import { Status, type StatusCode } from "../transport.ts";
import { StatusError, TransportError } from "../errors.ts";
import { aborted, deferred, failure, same, sameBytes } from "./assert.ts";
import { createCases, echo, path, type ConformanceCase, type Open } from "./case.ts";

const reasons = ["", "plain", "100% sure: 50%20", "größer als 你好 👋\n\t\u0000", "%zz %"];
const mib = 1024 * 1024;

/** Calls with one request and one answer. */
export function unaryCases(open: Open): ConformanceCase[] {
  const { cases, add } = createCases(open);

  add(
    "a unary call brings the handler's answer, whatever its size",
    () => ({ Echo: echo, Later: { kind: "unary", handle: async (request) => request } }),
    async ({ transport }) => {
      for (const size of [0, 1, 5, 1000, 16_379, 16_384, 65_536, 1_000_003]) {
        const message = Uint8Array.from({ length: size }, (_, i) => i * 31);
        sameBytes(await transport.unary(path("Echo"), message), message, "answer");
        sameBytes(await transport.unary(path("Later"), message), message, "later answer");
      }
    },
  );

  add(
    "XND-03: messages of 24 MiB go both ways",
    () => ({ Echo: echo }),
    async ({ transport }) => {
      const message = new Uint8Array(24 * mib);
      for (let i = 0; i < message.length; i += 4099) message[i] = i;
      sameBytes(await transport.unary(path("Echo"), message), message, "answer");
    },
  );

  add(
    "XND-01: every status arrives with its words, percent-encoded where needed",
    () => ({
      Fail: {
        kind: "unary",
        handle: ([status, reason]) => {
          throw new StatusError(status as StatusCode, reasons[reason as number] as string);
        },
      },
      FailLater: {
        kind: "unary",
        handle: async ([status, reason]) => {
          throw new StatusError(status as StatusCode, reasons[reason as number] as string);
        },
      },
    }),
    async ({ transport }) => {
      for (let status = 1; status <= 16; status++) {
        for (const [index, reason] of reasons.entries()) {
          const method = index % 2 === 0 ? "Fail" : "FailLater";
          const call = transport.unary(path(method), Uint8Array.of(status, index));
          const error = await failure(call, `status ${status}`);
          same(error.status, status as StatusCode, "status");
          same(error.reason, reason, "words");
          // XIN-24: these three may have been made up on the way.
          const ambiguous = status === 1 || status === 4 || status === 14;
          same(error.sent, ambiguous ? "unknown" : "answered", `sent of status ${status}`);
        }
      }
    },
  );

  add(
    "a handler's own error becomes INTERNAL and tells nothing",
    () => ({
      Break: {
        kind: "unary",
        handle: () => {
          throw new Error("secret");
        },
      },
      BreakLater: { kind: "unary", handle: () => Promise.reject(new Error("secret")) },
    }),
    async ({ transport }) => {
      for (const method of ["Break", "BreakLater"]) {
        const error = await failure(transport.unary(path(method), new Uint8Array()), method);
        same(error.status, Status.internal, "status");
        invariant(!String(error).includes("secret"), "internals leaked");
      }
    },
  );

  add(
    "XND-05: an unknown path is UNIMPLEMENTED",
    () => ({ Echo: echo }),
    async ({ transport }) => {
      const error = await failure(transport.unary(path("Nope"), new Uint8Array(100)), "call");
      same(error.status, Status.unimplemented, "status");
      same(error.sent, "answered", "sent");
    },
  );

  add(
    "XND-05: a request over 50 MiB is RESOURCE_EXHAUSTED, and the connection goes on",
    () => ({ Echo: echo }),
    async ({ transport }) => {
      const other = transport.unary(path("Echo"), Uint8Array.of(1));
      const call = transport.unary(path("Echo"), new Uint8Array(50 * mib + 1));
      same((await failure(call, "call")).status, Status.resourceExhausted, "status");
      sameBytes(await other, Uint8Array.of(1), "the call beside it");
      sameBytes(
        await transport.unary(path("Echo"), Uint8Array.of(2)),
        Uint8Array.of(2),
        "the call after it",
      );
    },
  );

  add(
    "XND-03: an answer over 25 MiB is refused, and the connection goes on",
    () => ({ Large: { kind: "unary", handle: () => new Uint8Array(25 * mib + 1) }, Echo: echo }),
    async ({ transport }) => {
      const error = await failure(transport.unary(path("Large"), new Uint8Array()), "call");
      same(error.status, Status.resourceExhausted, "status");
      await transport.unary(path("Echo"), Uint8Array.of(2));
    },
  );

  add(
    "metadata of the call reaches the handler, and only names that belong to it",
    () => ({
      Show: {
        kind: "unary",
        handle: (_, { metadata }) =>
          Uint8Array.from(JSON.stringify(metadata), (character) => character.charCodeAt(0)),
      },
    }),
    async ({ transport }) => {
      const answer = await transport.unary(path("Show"), new Uint8Array(), {
        metadata: { "x-app-version": "a b/1.0;=,%", "x-trace-bin": "AAEC" },
      });
      const seen = JSON.parse(String.fromCharCode(...answer)) as Record<string, string>;
      same(seen["x-app-version"], "a b/1.0;=,%", "text");
      same(seen["x-trace-bin"], "AAEC", "bytes");
      for (const name of Object.keys(seen)) {
        invariant(!name.startsWith(":") && !name.startsWith("grpc-"), `${name} leaked`);
      }
    },
  );

  add(
    "the deadline ends the call at both ends",
    () => ({
      Warm: { kind: "unary", handle: (request) => request },
      Wait: {
        kind: "unary",
        handle: async (request, { signal }) => {
          await aborted(signal);
          handlerAborted.resolve();
          return request;
        },
      },
    }),
    async ({ transport }) => {
      // a deadline that passes before there is a connection says that nothing was sent
      await transport.unary(path("Warm"), new Uint8Array());
      const call = transport.unary(path("Wait"), new Uint8Array(), { timeoutMs: 100 });
      const error = await failure(call, "call");
      same(error.status, Status.deadlineExceeded, "status");
      same(error.code, "transport/deadline", "code");
      same(error.sent, "unknown", "sent");
      await handlerAborted.promise;
    },
  );
  const handlerAborted = deferred();

  add(
    "aborting the signal cancels the call at both ends",
    () => ({
      Wait: {
        kind: "unary",
        handle: async (request, { signal }) => {
          began.resolve();
          await aborted(signal);
          cancelled.resolve();
          return request;
        },
      },
    }),
    async ({ transport }) => {
      const controller = new AbortController();
      const call = transport.unary(path("Wait"), new Uint8Array(), { signal: controller.signal });
      await began.promise;
      controller.abort();
      const error = await failure(call, "call");
      same(error.code, "transport/cancelled", "code");
      same(error.sent, "unknown", "sent");
      await cancelled.promise;

      const late = transport.unary(path("Wait"), new Uint8Array(), { signal: controller.signal });
      same((await failure(late, "call with an aborted signal")).sent, "no", "sent");
    },
  );
  const began = deferred();
  const cancelled = deferred();

  add(
    "2,000 calls at once each get their own answer",
    () => ({
      Echo: {
        kind: "unary",
        handle: async (request) => {
          await Promise.resolve();
          return request;
        },
      },
    }),
    async ({ transport }) => {
      const calls = Array.from({ length: 2000 }, async (_, i) => {
        const message = Uint8Array.of(i >> 8, i & 255);
        sameBytes(await transport.unary(path("Echo"), message), message, `answer ${i}`);
      });
      await Promise.all(calls);
    },
  );

  add(
    "closing ends running calls and refuses later ones; closing twice is harmless",
    () => ({
      Wait: {
        kind: "unary",
        handle: async (request, { signal }) => {
          started.resolve();
          await aborted(signal);
          return request;
        },
      },
    }),
    async ({ transport }) => {
      const call = failure(transport.unary(path("Wait"), new Uint8Array()), "running call");
      await started.promise;
      await transport.close();
      same((await call).code, "transport/cancelled", "code of the running call");
      const later = await failure(transport.unary(path("Wait"), new Uint8Array()), "later call");
      same(later.code, "transport/cancelled", "code of the later call");
      same(later.sent, "no", "sent of the later call");
      await transport.close();
    },
  );
  const started = deferred();

  add(
    "malformed metadata fails the call before it is sent",
    () => ({ Echo: echo }),
    async ({ transport }) => {
      const call = transport.unary(path("Echo"), new Uint8Array(), {
        metadata: { "x-a": "1\r\nx-b: 2" },
      });
      const error = await failure(call, "call");
      invariant(error instanceof TransportError && error.sent === "no", "sent");
      same(error.code, "transport/bad-metadata", "code");
    },
  );

  return cases;
}
