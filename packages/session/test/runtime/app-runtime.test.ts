import { parseSlimName, SessionMessageType } from "@coterie/wire/slim";
import type { Publish } from "@coterie/wire/slim";
import { expect, test } from "vitest";
import type { AppCore, AppEffect, AppInput, SessionView } from "@coterie/session";
import { AppRuntime } from "../../src/runtime/app-runtime.ts";
import { createTime, settle } from "./time.ts";

const name = parseSlimName("a/b/c/00000000-0000-0000-0000-000000000001");
const view: SessionView = {
  id: 7,
  settings: { kind: "group", metadata: new Map() },
  isInitiator: true,
  source: name,
  destination: name,
  moderator: name,
  members: [],
  epoch: undefined,
};
const payload = { payloadType: "msg", payload: Uint8Array.of(1, 2, 3), metadata: new Map() };

/** A runtime around a core that does what the test says. */
function world(limits = {}) {
  const time = createTime();
  const inputs: AppInput[] = [];
  const sent: string[] = [];
  let wakeAt: number | undefined;
  let answer: (input: AppInput) => readonly AppEffect[] = () => [];
  let room: Promise<void> | undefined;
  const core: AppCore = {
    name,
    step(input) {
      inputs.push(input);
      return answer(input);
    },
    get wakeAt() {
      return wakeAt;
    },
    session: (id) => (id === 7 ? view : undefined),
  };
  const runtime = new AppRuntime({
    core,
    scheduler: time.scheduler,
    limits,
    links: {
      send(_, { session }) {
        sent.push(String(session?.messageId));
        return room;
      },
      subscribe: async () => {},
      unsubscribe: async () => Promise.reject(new Error("no")),
    },
  });
  answer = (input) =>
    input.kind === "create"
      ? [
          { kind: "created", handle: input.handle, session: 7 },
          { kind: "done", handle: input.handle, outcome: { session: 7 } },
        ]
      : [];
  return {
    time,
    inputs,
    sent,
    runtime,
    wake: (at: number | undefined) => (wakeAt = at),
    does: (next: typeof answer) => (answer = next),
    fill: (next: Promise<void> | undefined) => (room = next),
    open: async () => (await runtime.create(view.settings, name, 1n)).line,
  };
}

const data = (type: number): Publish => ({
  header: undefined,
  session: { sessionType: 2, sessionMessageType: type, sessionId: 7, messageId: 1 },
  msg: undefined,
});

test("SSN-12: one timer serves all deadlines, and a later one sets none anew", async () => {
  const { time, runtime, wake, inputs, does } = world();
  wake(1000);
  runtime.step({ kind: "tick" });
  for (let n = 1; n <= 100; n += 1) {
    wake(1000 + n);
    runtime.step({ kind: "tick" });
  }
  expect([time.set, time.total]).toEqual([1, 1]);
  does(() => (wake(undefined), []));
  inputs.length = 0;
  await time.pass(1000);
  expect(inputs).toEqual([]); // not due yet: the alarm only found the later deadline
  await time.pass(101);
  expect(inputs.map(({ kind }) => kind)).toContain("tick");
});

test("a deadline that comes nearer moves the alarm", async () => {
  const { time, runtime, wake, inputs, does } = world();
  wake(1000);
  runtime.step({ kind: "tick" });
  wake(50);
  runtime.step({ kind: "tick" });
  expect(time.set).toBe(1);
  inputs.length = 0;
  does(() => (wake(undefined), []));
  await time.pass(50);
  expect(inputs[0]).toEqual({ kind: "tick" });
});

test("SRL-08: publish waits while too much is unacknowledged, and goes on in its order", async () => {
  const { runtime, inputs, does, open } = world({ unacknowledged: 2 });
  const line = await open();
  const handles: number[] = [];
  does((input) => {
    if (input.kind === "publish") handles.push(input.handle);
    return [];
  });
  const operations = [1, 2, 3, 4].map(() => runtime.publish(line, payload, undefined, undefined));
  expect(operations.map(({ started }) => started)).toEqual([true, true, false, false]);
  does((input) =>
    input.kind === "tick" ? [{ kind: "done", handle: handles[0] as number, outcome: {} }] : [],
  );
  runtime.step({ kind: "tick" });
  await settle();
  expect(operations.map(({ started }) => started)).toEqual([true, true, true, false]);
  expect(inputs.filter(({ kind }) => kind === "publish")).toHaveLength(3);
});

test("SSN-20: a publish that waits for its turn can be called off, and is never sent", async () => {
  const { runtime, inputs, open, does } = world({ unacknowledged: 1 });
  const line = await open();
  does(() => []);
  runtime.publish(line, payload, undefined, undefined);
  const control = new AbortController();
  const operation = runtime.publish(line, payload, undefined, control.signal);
  control.abort(new Error("enough"));
  expect(operation.error).toMatchObject({ message: "enough" });
  expect(line.waiting).toEqual([]);
  expect(inputs.filter(({ kind }) => kind === "publish")).toHaveLength(1);
});

test("SCN-05: a full line holds back what is published next, not what is to be answered", async () => {
  const { runtime, open, does, fill, sent } = world();
  const line = await open();
  let drained = (): void => {};
  fill(new Promise((resolve) => (drained = resolve)));
  does((input) =>
    input.kind === "publish" || input.kind === "received"
      ? [
          {
            kind: "send",
            connection: 1n,
            publish: { ...data(1), session: { ...data(1).session!, messageId: sent.length } },
            metadata: new Map(),
          },
        ]
      : [],
  );
  const first = runtime.publish(line, payload, undefined, undefined);
  const second = runtime.publish(line, payload, undefined, undefined);
  expect([first.started, second.started, sent]).toEqual([true, false, ["0"]]);
  runtime.receive(data(SessionMessageType.joinRequest), new Map(), 1n);
  expect(sent).toEqual(["0", "1"]);
  fill(undefined);
  drained();
  await settle();
  expect([second.started, sent]).toEqual([true, ["0", "1", "2"]]);
});

test("SCN-05: a session that nobody reads takes no more data, and all that is no data", async () => {
  const { runtime, inputs, open, does } = world({ unreadMessages: 2 });
  await open();
  does((input) =>
    input.kind === "received"
      ? [
          {
            kind: "delivered",
            session: 7,
            item: {
              kind: "message",
              source: name,
              destination: name,
              identity: "",
              messageId: 1,
              connection: 1n,
              ...payload,
            },
          },
        ]
      : [],
  );
  for (let n = 0; n < 4; n += 1) runtime.receive(data(SessionMessageType.msg), new Map(), 1n);
  runtime.receive(data(SessionMessageType.heartbeat), new Map(), 1n);
  expect(inputs.filter(({ kind }) => kind === "received")).toHaveLength(3);
  expect(runtime.refused.get("unread")).toBe(2);
});

test("SGR-14: when a session closes, nothing that was asked of it is left open", async () => {
  const { runtime, open, does } = world({ unacknowledged: 1 });
  const line = await open();
  does(() => []);
  const invite = runtime.ask({ kind: "invite", session: 7, name });
  const published = runtime.publish(line, payload, undefined, undefined);
  const waiting = runtime.publish(line, payload, undefined, undefined);
  const reading = line.mailbox.take({ timedOut: () => new Error("late") });
  reading.catch(() => {});
  does(() => [{ kind: "closed", session: 7, reason: "removed" }]);
  runtime.step({ kind: "tick" });
  await settle();
  for (const { error } of [invite, published, waiting]) {
    expect(error).toMatchObject({ code: "session/closed", details: { reason: "removed" } });
  }
  await expect(reading).rejects.toMatchObject({ code: "session/closed" });
  expect(runtime.ask({ kind: "invite", session: 7, name }).error).toMatchObject({
    code: "session/closed",
  });
});

test("SGR-14: when an app ends, everything ends with its reason, its alarm included", async () => {
  const { runtime, open, does, wake, time } = world();
  const line = await open();
  does(() => []);
  wake(1000);
  const invite = runtime.ask({ kind: "invite", session: 7, name });
  const listening = runtime.joined.take({ timedOut: () => new Error("late") });
  listening.catch(() => {});
  const { SessionError } = await import("@coterie/session");
  runtime.end(new SessionError("session/closed", {}));
  expect([invite.error, line.closed, time.set]).toMatchObject([
    { code: "session/closed" },
    "ended",
    0,
  ]);
  await expect(listening).rejects.toMatchObject({ code: "session/closed" });
  await expect(runtime.create(view.settings, name, 1n)).rejects.toMatchObject({
    code: "session/closed",
  });
});

test("SCN-32: what a subscription came to is told to the core", async () => {
  const { runtime, does, inputs } = world();
  does((input) =>
    input.kind === "tick"
      ? [
          { kind: "subscribe", request: 1, connection: 1n, name, source: name },
          { kind: "unsubscribe", request: 2, connection: 1n, name, source: name },
        ]
      : [],
  );
  runtime.step({ kind: "tick" });
  await settle();
  expect(inputs.slice(1)).toEqual([
    { kind: "subscribed", request: 1 },
    { kind: "subscribed", request: 2, error: "no" },
  ]);
});

test("SRL-20: a listener that throws harms nothing but itself", async () => {
  const { runtime, does, open } = world();
  const line = await open();
  const told: string[] = [];
  const fails = (): never => {
    throw new Error("of the application");
  };
  runtime.listen(line, { lost: fails, closed: fails });
  runtime.listen(line, { lost: ({ messageId }) => told.push(`lost ${messageId}`) });
  const item = { kind: "lost", source: name, messageId: 3, count: 1 } as const;
  does(() => [{ kind: "delivered", session: 7, item }]);
  runtime.step({ kind: "tick" });
  does(({ kind }) => (kind === "publish" ? [] : [{ kind: "delivered", session: 7, item }]));
  const operation = runtime.publish(line, payload, undefined, undefined);
  runtime.step({ kind: "tick" });
  expect(told).toEqual(["lost 3", "lost 3"]);
  does(() => [{ kind: "closed", session: 7, reason: "removed" }]);
  runtime.step({ kind: "tick" });
  await settle();
  expect(operation.error).toMatchObject({ code: "session/closed" });
});
