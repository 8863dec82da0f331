import { expect, test } from "vitest";
import { createMemoryTransport, Status, StatusError, type Route } from "@coterie/transport";
import { collect } from "./collect.ts";
import type { CallFault } from "@coterie/transport";

function world(fault: CallFault | undefined) {
  const handled: number[] = [];
  const routes = new Map<string, Route>([
    [
      "/t.T/Put",
      {
        kind: "unary",
        handle: (request) => {
          handled.push(request[0] as number);
          return Uint8Array.of(handled.length);
        },
      },
    ],
    [
      "/t.T/Refuse",
      {
        kind: "unary",
        handle: () => {
          throw new StatusError(Status.invalidArgument, "no");
        },
      },
    ],
    [
      "/t.T/Count",
      {
        kind: "server-stream",
        async *handle() {
          for (let i = 0; i < 10; i++) yield Uint8Array.of(i);
        },
      },
    ],
  ]);
  // The first call meets the fault, later ones go through.
  const faults = ({ number }: { number: number }) => (number === 0 ? fault : undefined);
  return { handled, transport: createMemoryTransport(routes, { faults }) };
}

const put = (transport: ReturnType<typeof world>["transport"], value: number) =>
  transport.unary("/t.T/Put", Uint8Array.of(value));

test("XIN-24: a dropped request was not sent, and may be sent again", async () => {
  const { handled, transport } = world({ kind: "drop" });
  await expect(put(transport, 1)).rejects.toMatchObject({
    code: "transport/unavailable",
    sent: "no",
  });
  expect(handled).toEqual([]);
  await put(transport, 1);
  expect(handled).toEqual([1]);
});

test("XIN-24: a lost answer leaves it unknown whether the request had its effect", async () => {
  const { handled, transport } = world({ kind: "lose-answer" });
  await expect(put(transport, 1)).rejects.toMatchObject({
    code: "transport/unavailable",
    sent: "unknown",
  });
  expect(handled).toEqual([1]);
  const refused = world({ kind: "lose-answer" }).transport;
  await expect(refused.unary("/t.T/Refuse", new Uint8Array())).rejects.toMatchObject({
    sent: "unknown",
  });
});

test("a duplicated request runs the handler twice and answers once", async () => {
  const { handled, transport } = world({ kind: "duplicate" });
  expect(await put(transport, 7)).toEqual(Uint8Array.of(1));
  expect(handled).toEqual([7, 7]);
});

test("a delayed request arrives when its time comes, unless its deadline came first", async () => {
  const timers: { ms: number; run: () => void }[] = [];
  const later = (ms: number, run: () => void) => {
    const timer = { ms, run };
    timers.push(timer);
    return () => void timers.splice(timers.indexOf(timer), 1);
  };
  const routes = new Map<string, Route>([["/t.T/Echo", { kind: "unary", handle: (r) => r }]]);
  const transport = createMemoryTransport(routes, {
    later,
    faults: () => ({ kind: "delay", ms: 500 }),
  });
  const call = transport.unary("/t.T/Echo", Uint8Array.of(1), { timeoutMs: 1000 });
  expect(timers.map(({ ms }) => ms)).toEqual([1000, 500]);
  timers[1]?.run();
  expect(await call).toEqual(Uint8Array.of(1));

  timers.length = 0;
  const late = transport.unary("/t.T/Echo", Uint8Array.of(1), { timeoutMs: 100 });
  timers[0]?.run();
  await expect(late).rejects.toMatchObject({ code: "transport/deadline", sent: "no" });
  expect(timers.filter(({ ms }) => ms === 500)).toEqual([]);
});

test("XST-06: a cut stream fails after the messages that came before", async () => {
  const { transport } = world({ kind: "cut", afterMessages: 3 });
  const seen: number[] = [];
  const reading = (async () => {
    for await (const [value] of transport.serverStream("/t.T/Count", new Uint8Array())) {
      seen.push(value as number);
    }
  })();
  await expect(reading).rejects.toMatchObject({ code: "transport/unavailable", sent: "unknown" });
  expect(seen).toEqual([0, 1, 2]);
  expect(transport.active).toBe(0);
});

test("disconnecting breaks every running call and leaves the next ones alone", async () => {
  const { transport } = world(undefined);
  const stream = transport.serverStream("/t.T/Count", new Uint8Array());
  await stream.opened;
  transport.disconnect();
  await expect(collect(stream)).rejects.toMatchObject({ code: "transport/unavailable" });
  expect(await put(transport, 1)).toEqual(Uint8Array.of(1));
});

test("handler and caller share no memory", async () => {
  let kept = new Uint8Array();
  const answer = Uint8Array.of(1);
  const routes = new Map<string, Route>([
    [
      "/t.T/Keep",
      {
        kind: "unary",
        handle(request) {
          kept = request as Uint8Array<ArrayBuffer>;
          return answer;
        },
      },
    ],
  ]);
  const request = Uint8Array.of(5);
  const call = createMemoryTransport(routes).unary("/t.T/Keep", request);
  request[0] = 6;
  const got = await call;
  got[0] = 9;
  expect(kept).toEqual(Uint8Array.of(5));
  expect(answer).toEqual(Uint8Array.of(1));
});
