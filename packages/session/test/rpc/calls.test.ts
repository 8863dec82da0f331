import { fromUtf8, toUtf8 } from "@coterie/base";
import { expect, test } from "vitest";
import { createCaller } from "../../src/rpc/caller.ts";
import type { Answer, CallOptions, Requests } from "../../src/rpc/caller.ts";
import { streamStream, streamUnary, unaryStream, unaryUnary } from "../../src/rpc/handlers.ts";
import type { Served } from "../../src/rpc/handlers.ts";
import type { RpcContext } from "../../src/rpc/context.ts";
import { serveSession } from "../../src/rpc/serve.ts";
import { RpcCode, RpcError } from "../../src/rpc/status.ts";
import { failure, memorySession, nameOf, settle, virtualTime } from "./memory.ts";
import type { Member } from "./memory.ts";

const client = nameOf("client");
const server = nameOf("server");
const text = (answer: Answer): string => {
  if (answer.kind === "error") throw answer.error;
  return fromUtf8(answer.payload);
};

/** A caller and servers in one session, and what the servers serve. */
function world(served: Record<string, Served>, services: readonly string[] = ["server"]) {
  const time = virtualTime();
  const off = new AbortController();
  const opened: (readonly Member[])[] = [];
  const names = services.map((service) => nameOf(service));
  const caller = createCaller({
    open: async () => {
      const members = memorySession(client, ...names);
      opened.push(members);
      for (const session of members.slice(1)) {
        const find = (path: string) => served[path];
        void serveSession({ session, find, time, signal: off.signal });
      }
      return members[0] as Member;
    },
    members: names,
    isGroup: names.length > 1,
    time,
  });
  const answers = async (method: string, requests: Requests, options: CallOptions = {}) => {
    const all: string[] = [];
    for await (const answer of caller.call("svc", method, requests, options))
      all.push(text(answer));
    return all;
  };
  return { time, off, opened, caller, answers };
}

const echo = unaryUnary((request) => request);
const count = unaryStream(async function* (request) {
  for (let n = 0; n < Number(fromUtf8(request)); n += 1) yield toUtf8(String(n));
});
const join = streamUnary(async (requests) => {
  let all = "";
  for await (const request of requests) all += fromUtf8(request);
  return toUtf8(all);
});
const upper = streamStream(async function* (requests) {
  for await (const request of requests) yield toUtf8(fromUtf8(request).toUpperCase());
});
const all = { "svc/echo": echo, "svc/count": count, "svc/join": join, "svc/upper": upper };
const say = (...words: string[]): Uint8Array[] => words.map(toUtf8);

test("SRP-02..06: the four kinds of call, one after the other and at once", async () => {
  const { answers, opened } = world(all);
  expect(await answers("echo", say("hi"), { single: true })).toEqual(["hi"]);
  expect(await answers("echo", say("hi"))).toEqual(["hi"]);
  expect(await answers("count", say("3"))).toEqual(["0", "1", "2"]);
  expect(await answers("join", say("a", "b", "c"))).toEqual(["abc"]);
  expect(await answers("upper", say("a", "b"))).toEqual(["A", "B"]);
  // nothing in, nothing out
  expect(await answers("join", [])).toEqual([""]);
  expect(await answers("upper", [])).toEqual([]);
  const many = await Promise.all(
    Array.from({ length: 50 }, (_, n) => answers("upper", say(`a${n}`, `b${n}`))),
  );
  expect(many).toEqual(Array.from({ length: 50 }, (_, n) => [`A${n}`, `B${n}`]));
  // SRP-01: all of it over one session
  expect(opened).toHaveLength(1);
});

test("SRP-02..07: what stands on the wire", async () => {
  const { answers, opened, time } = world(all);
  await answers("upper", say("a", "b"), { timeoutMs: 1500, metadata: new Map([["team", "blue"]]) });
  await answers("join", []);
  await settle();
  const [caller, served] = opened[0] as [Member, Member];
  const id = caller.sent[0]?.metadata.get("rpc-id");
  const wire = ({ sent }: Member) =>
    sent.map(({ payload, metadata }) => [fromUtf8(payload), Object.fromEntries(metadata)]);
  const req = { "rpc-id": id, "slimrpc-dir": "req" };
  expect(wire(caller)[0]).toEqual([
    "a",
    {
      ...req,
      service: "svc",
      method: "upper",
      "slimrpc-timeout": String((time.unixMs() + 1500) / 1000),
      team: "blue",
    },
  ]);
  expect(wire(caller)[1]).toEqual(["b", req]);
  expect(wire(caller)[2]).toEqual(["", { ...req, "slimrpc-code": "0" }]);
  // a call without a request: its end says what is called
  expect(wire(caller)[3]?.[1]).toMatchObject({
    service: "svc",
    method: "join",
    "slimrpc-code": "0",
    "slimrpc-timeout": String((time.unixMs() + 36_000_000) / 1000),
  });
  expect(wire(served).slice(0, 3)).toEqual([
    ["A", { "rpc-id": id }],
    ["B", { "rpc-id": id }],
    ["", { "rpc-id": id, "slimrpc-code": "0" }],
  ]);
});

test("SRP-04: an empty answer is an answer, and what cores before 2.2 send is read", async () => {
  const { answers } = world({ "svc/empty": unaryStream(() => [new Uint8Array(), toUtf8("x")]) });
  expect(await answers("empty", say("go"))).toEqual(["", "x"]);

  const [own, peer] = memorySession(client, server) as [Member, Member];
  const caller = createCaller({
    open: async () => own,
    members: [server],
    isGroup: false,
    time: virtualTime(),
  });
  const call = async (single: boolean, ...payloads: string[]) => {
    const got: string[] = [];
    const stream = caller.call("svc", "old", say("go"), { single });
    const reading = (async () => {
      for await (const answer of stream) got.push(text(answer));
    })();
    await settle();
    const id = own.sent.at(-1)?.metadata.get("rpc-id") as string;
    // each frame with a status, also data
    for (const payload of [...payloads, ""]) {
      await peer.publish(
        toUtf8(payload),
        new Map([
          ["rpc-id", id],
          ["slimrpc-code", "0"],
        ]),
      );
    }
    await reading;
    return got;
  };
  expect(await call(false, "one", "two")).toEqual(["one", "two"]);
  expect(await call(true, "one")).toEqual(["one"]);
  expect(await call(true)).toEqual([""]);
});

test("SRP-08: a status goes over as it is, other failures without their words", async () => {
  const { answers, caller } = world({
    "svc/status": unaryUnary(() => {
      throw new RpcError(RpcCode.NotFound, "no such lunch");
    }),
    "svc/bug": unaryUnary(() => {
      throw new TypeError("the password is swordfish");
    }),
    "svc/late": unaryStream(async function* () {
      yield toUtf8("one");
      throw new RpcError(RpcCode.Aborted);
    }),
  });
  await expect(answers("status", say("x"))).rejects.toMatchObject({
    status: RpcCode.NotFound,
    statusMessage: "no such lunch",
    tag: "Rpc",
    inner: { code: RpcCode.NotFound, message: "no such lunch" },
    disposition: "reject",
  });
  await expect(answers("bug", say("x"))).rejects.toMatchObject({
    status: RpcCode.Internal,
    statusMessage: "",
  });
  await expect(answers("nothing", say("x"))).rejects.toEqual(failure("Unimplemented"));
  const got: string[] = [];
  await expect(
    (async () => {
      for await (const answer of caller.call("svc", "late", say("x"), {})) got.push(text(answer));
    })(),
  ).rejects.toEqual(failure("Aborted"));
  expect(got).toEqual(["one"]);
});

test("SRP-07: a deadline ends the call at both sides", async () => {
  let context: RpcContext | undefined;
  const stuck = unaryUnary((_, given) => {
    context = given;
    return new Promise<Uint8Array>(() => undefined);
  });
  const { answers, time, opened } = world({ "svc/stuck": stuck });
  const call = answers("stuck", say("x"), { timeoutMs: 1000 });
  await settle();
  expect(context?.remainingMs()).toBe(1000);
  expect(context?.metadata.get("topic")).toBe("lunch");
  expect(context?.caller).toEqual(client);
  expect(context?.signal.aborted).toBe(false);
  time.move(999);
  expect(context?.signal.aborted).toBe(false);
  time.move(1);
  await expect(call).rejects.toEqual(failure("DeadlineExceeded"));
  expect(context?.signal.reason).toEqual(failure("DeadlineExceeded"));
  await settle();
  expect((opened[0] as Member[])[1]?.sent[0]?.metadata.get("slimrpc-code")).toBe("4");

  // a request that comes too late is not served, one without a sensible deadline has ten hours
  const [own, peer] = memorySession(client, server) as [Member, Member];
  const found: RpcContext[] = [];
  const find = () => unaryUnary((_, given) => (found.push(given), new Uint8Array()));
  void serveSession({ session: peer, find, time, signal: new AbortController().signal });
  const send = (id: string, timeout: string) =>
    own.publish(
      new Uint8Array(),
      new Map([
        ["rpc-id", id],
        ["slimrpc-dir", "req"],
        ["service", "s"],
        ["method", "m"],
        ["slimrpc-timeout", timeout],
      ]),
    );
  await send("late", String(time.unixMs() / 1000 - 1));
  for (const odd of ["", "soon", "-5", "NaN", "1e300", "99999999999999999999"])
    await send(odd, odd);
  await send("far", String(time.unixMs() / 1000 + 1e9));
  await settle();
  expect(peer.sent[0]?.metadata.get("slimrpc-code")).toBe("4");
  expect(found.map(({ deadlineMs }) => deadlineMs)).toEqual(
    Array.from({ length: 6 }, () => time.unixMs() + 36_000_000),
  );
});

test("SRP-07: a session that does not come up in time ends the call, too", async () => {
  const time = virtualTime();
  const caller = createCaller({
    open: () => new Promise(() => undefined),
    members: [server],
    isGroup: false,
    time,
  });
  const call = caller.call("svc", "echo", say("x"), { timeoutMs: 50 }).next();
  time.move(50);
  await expect(call).rejects.toEqual(failure("DeadlineExceeded"));
});

test("SRP-09: a caller that cancels or stops reading stops the handler", async () => {
  const contexts: RpcContext[] = [];
  const endless = unaryStream(async function* (_, context) {
    contexts.push(context);
    for (let n = 0; !context.signal.aborted; n += 1) {
      yield toUtf8(String(n));
      await settle();
    }
  });
  const { caller, answers, opened } = world({ "svc/endless": endless });
  for await (const answer of caller.call("svc", "endless", say("x"), {})) {
    if (text(answer) === "2") break;
  }
  await settle();
  expect(contexts[0]?.signal.aborted).toBe(true);

  const abort = new AbortController();
  const call = answers("endless", say("x"), { signal: abort.signal });
  await settle();
  abort.abort(new Error("lunch is over"));
  await expect(call).rejects.toEqual(failure("Cancelled"));
  await settle();
  expect(contexts[1]?.signal.aborted).toBe(true);
  const [{ sent }] = opened[0] as [Member];
  const cancels = sent.filter(({ metadata }) => metadata.get("slimrpc-code") === "1");
  expect(cancels.map(({ metadata }) => [...metadata.keys()].toSorted())).toEqual([
    ["rpc-id", "slimrpc-code", "slimrpc-dir"],
    ["rpc-id", "slimrpc-code", "slimrpc-dir"],
  ]);

  // one answer was wanted, and more come: whoever sends them is told
  expect(await answers("endless", say("x"), { single: true })).toEqual(["0"]);
  await settle();
  await settle();
  await settle();
  expect(contexts[2]?.signal.aborted).toBe(true);

  // cancelled before it began: nobody hears of it
  const before = sent.length;
  await expect(answers("endless", say("x"), { signal: abort.signal })).rejects.toEqual(
    failure("Cancelled"),
  );
  await settle();
  expect(sent).toHaveLength(before);
});

test("SRP-09: requests that are cut off do not look complete", async () => {
  const ends: string[] = [];
  const collect = streamUnary(async (requests) => {
    try {
      for await (const request of requests) ends.push(fromUtf8(request));
      ends.push("complete");
    } catch {
      ends.push("cut off");
    }
    return new Uint8Array();
  });
  const { answers } = world({ "svc/collect": collect });
  const broken = (async function* () {
    yield toUtf8("one");
    throw new Error("the disk is full");
  })();
  await expect(answers("collect", broken)).rejects.toEqual(failure("Unavailable"));
  await settle();
  expect(ends).toEqual(["one", "cut off"]);
});

test("SRP-06, SRP-13: a group answers as many, each with its own end", async () => {
  const { caller, opened } = world(
    {
      ...all,
      "svc/who": unaryUnary((_, { metadata }) => toUtf8(metadata.get("to") ?? "")),
    },
    ["one", "two", "three"],
  );
  const got: string[] = [];
  for await (const answer of caller.call("svc", "count", say("2"), {})) {
    got.push(`${answer.source.service} ${text(answer)}`);
  }
  expect(got.toSorted()).toEqual(["one 0", "one 1", "three 0", "three 1", "two 0", "two 1"]);

  // one fails, the others go on
  const answers: Answer[] = [];
  const stream = caller.call("svc", "nothing", say("x"), {});
  for await (const answer of stream) answers.push(answer);
  expect(answers.map((answer) => answer.kind === "error" && answer.error.inner)).toEqual(
    ["one", "two", "three"].map((service) => ({
      code: RpcCode.Unimplemented,
      message: "no such method",
      origin: `agntcy/ns/${service}`,
    })),
  );
  expect(
    answers.every((answer) => answer.kind === "error" && answer.error.tag === "MulticastRpc"),
  ).toBe(true);

  // a member that leaves ends its own part
  const hanging = caller.call(
    "svc",
    "upper",
    (async function* () {
      yield toUtf8("a");
      await new Promise(() => undefined);
    })(),
    {},
  );
  const first = [await hanging.next(), await hanging.next(), await hanging.next()];
  expect(first.every(({ value }) => value?.kind === "message")).toBe(true);
  const [own] = opened[0] as readonly Member[];
  for (const service of ["one", "two", "three"])
    own?.bring({ kind: "gone", source: nameOf(service) });
  for (const service of ["one", "two", "three"]) {
    const { value } = await hanging.next();
    expect(value).toMatchObject({
      kind: "error",
      error: { status: RpcCode.Unavailable, origin: `agntcy/ns/${service}` },
    });
  }
  expect((await hanging.next()).done).toBe(true);
});

test("SRP-10: nobody adds to the call of somebody else, and nobody answers who was not called", async () => {
  const [own, peer, third] = memorySession(client, server, nameOf("third")) as [
    Member,
    Member,
    Member,
  ];
  const time = virtualTime();
  void serveSession({
    session: peer,
    find: (path) => all[path as keyof typeof all],
    time,
    signal: new AbortController().signal,
  });
  const caller = createCaller({ open: async () => own, members: [server], isGroup: false, time });
  let go: (() => void) | undefined;
  const requests = (async function* () {
    yield toUtf8("mine ");
    await new Promise<void>((resolve) => (go = resolve));
    yield toUtf8("mine");
  })();
  const call = (async () => {
    const got: string[] = [];
    for await (const answer of caller.call("svc", "join", requests, {})) got.push(text(answer));
    return got;
  })();
  await settle();
  const id = own.sent[0]?.metadata.get("rpc-id") as string;
  const request = (more: [string, string][]) =>
    new Map([["rpc-id", id], ["slimrpc-dir", "req"], ...more]);
  await third.publish(toUtf8("theirs "), request([]));
  await third.publish(toUtf8(""), request([["slimrpc-code", "0"]]));
  await third.publish(toUtf8(""), request([["slimrpc-code", "1"]]));
  await third.publish(toUtf8("forged"), new Map([["rpc-id", id]]));
  await third.publish(
    toUtf8("no"),
    new Map([
      ["rpc-id", id],
      ["slimrpc-code", "5"],
    ]),
  );
  await settle();
  go?.();
  expect(await call).toEqual(["mine mine"]);
});

test("SRP-03: requests are not answers, and answers are not requests", async () => {
  const [own, peer] = memorySession(client, server) as [Member, Member];
  const time = virtualTime();
  let served = 0;
  const find = () => unaryUnary(() => ((served += 1), new Uint8Array()));
  void serveSession({ session: peer, find, time, signal: new AbortController().signal });
  const start: [string, string][] = [
    ["service", "s"],
    ["method", "m"],
  ];
  await own.publish(toUtf8("x"), new Map([["rpc-id", "1"], ...start]));
  await own.publish(toUtf8("x"), new Map([["rpc-id", "2"], ["slimrpc-dir", "answer"], ...start]));
  await own.publish(toUtf8("x"), new Map([["slimrpc-dir", "req"], ...start]));
  await own.publish(
    toUtf8("x"),
    new Map([
      ["rpc-id", "3"],
      ["slimrpc-dir", "req"],
      ["service", "s"],
    ]),
  );
  await own.publish(
    toUtf8("x"),
    new Map([["rpc-id", "x".repeat(200)], ["slimrpc-dir", "req"], ...start]),
  );
  await settle();
  expect([served, peer.sent.length]).toEqual([0, 0]);
  await own.publish(toUtf8("x"), new Map([["rpc-id", "1"], ["slimrpc-dir", "req"], ...start]));
  await settle();
  expect(served).toBe(1);
});

test("SRP-11: calls and what waits for them have an end", async () => {
  const [own, peer] = memorySession(client, server) as [Member, Member];
  const time = virtualTime();
  const find = () => streamUnary(() => new Promise<Uint8Array>(() => undefined));
  void serveSession({ session: peer, find, time, signal: new AbortController().signal });
  const start: [string, string][] = [
    ["slimrpc-dir", "req"],
    ["service", "s"],
    ["method", "m"],
  ];
  for (let n = 0; n < 257; n += 1)
    await own.publish(toUtf8("x"), new Map([["rpc-id", `${n}`], ...start]));
  await settle();
  expect(
    peer.sent.map(({ metadata }) => [metadata.get("rpc-id"), metadata.get("slimrpc-code")]),
  ).toEqual([["256", "8"]]);
  for (let n = 0; n < 16_500; n += 1) {
    await own.publish(
      toUtf8("x"),
      new Map([
        ["rpc-id", "0"],
        ["slimrpc-dir", "req"],
      ]),
    );
  }
  await settle();
  expect(peer.sent.at(-1)?.metadata.get("rpc-id")).toBe("0");
  expect(peer.sent.at(-1)?.metadata.get("slimrpc-code")).toBe("8");

  const flood = world({
    "svc/flood": unaryStream(async function* () {
      for (;;) yield new Uint8Array(1_000_000);
    }),
  });
  const slow = flood.caller.call("svc", "flood", say("x"), {});
  await slow.next();
  await settle();
  await expect(slow.next()).rejects.toEqual(failure("ResourceExhausted"));

  const { caller } = world(all);
  for (const [service, method, metadata] of [
    ["", "m", new Map()],
    ["s", "a/b", new Map()],
    ["s", "x".repeat(256), new Map()],
    ["s", "m", new Map([["rpc-id", "1"]])],
    ["s", "m", new Map([["slimrpc-dir", "1"]])],
  ] as const) {
    await expect(caller.call(service, method, [], { metadata }).next()).rejects.toEqual(
      failure("InvalidArgument"),
    );
  }
});

test("SRP-12: a call hears of what was lost, of who is gone, and of the session's end", async () => {
  const stuck = streamUnary(() => new Promise<Uint8Array>(() => undefined));
  const begin = async () => {
    const made = world({ "svc/stuck": stuck });
    const call = made.answers("stuck", say("x"));
    await settle();
    const [own, peer] = made.opened[0] as [Member, Member];
    return { ...made, call, own, peer };
  };
  const lost = await begin();
  lost.own.bring({ kind: "lost", source: server });
  await expect(lost.call).rejects.toEqual(failure("DataLoss"));

  const gone = await begin();
  gone.own.bring({ kind: "gone", source: server });
  await expect(gone.call).rejects.toEqual(failure("Unavailable"));

  const ended = await begin();
  ended.own.leave();
  await expect(ended.call).rejects.toEqual(failure("Unavailable"));
  // SRP-01: the next call makes a session of its own
  const again = ended.answers("nothing", say("x"));
  await expect(again).rejects.toEqual(failure("Unimplemented"));
  expect(ended.opened).toHaveLength(2);

  const unheard = await begin();
  unheard.own.missing = [server];
  await expect(unheard.answers("stuck", say("x"))).rejects.toEqual(failure("Unavailable"));
  await expect(unheard.call).rejects.toEqual(failure("Unavailable"));

  // and so does a handler
  const contexts: RpcContext[] = [];
  const [own, peer] = memorySession(client, server) as [Member, Member];
  const find = () =>
    streamUnary((_, context) => (contexts.push(context), new Promise<Uint8Array>(() => undefined)));
  void serveSession({
    session: peer,
    find,
    time: virtualTime(),
    signal: new AbortController().signal,
  });
  const start: [string, string][] = [
    ["slimrpc-dir", "req"],
    ["service", "s"],
    ["method", "m"],
  ];
  const open = async (id: string) => {
    await own.publish(toUtf8("x"), new Map([["rpc-id", id], ...start]));
    await settle();
  };
  await open("1");
  peer.bring({ kind: "lost", source: client });
  await settle();
  expect(contexts[0]?.signal.reason).toEqual(failure("DataLoss"));
  expect(peer.sent.at(-1)?.metadata.get("slimrpc-code")).toBe("15");
  await open("2");
  peer.bring({ kind: "gone", source: nameOf("another") });
  await settle();
  expect(contexts[1]?.signal.aborted).toBe(false);
  peer.bring({ kind: "gone", source: client });
  await settle();
  expect(contexts[1]?.signal.reason).toEqual(failure("Cancelled"));
  await open("3");
  peer.leave();
  await settle();
  expect(contexts[2]?.signal.reason).toEqual(failure("Unavailable"));
});

test("SRP-01, SRP-12: after its server was gone a channel calls over a session of its own", async () => {
  for (const how of ["gone", "missing"] as const) {
    const { answers, opened } = world(all);
    await answers("echo", say("x"));
    const [own] = opened[0] as [Member, Member];
    if (how === "gone") own.bring({ kind: "gone", source: server });
    else {
      own.missing = [server];
      await answers("echo", say("y")).catch(() => {});
    }
    await settle();
    await expect(answers("echo", say("z"))).resolves.toBeDefined();
    expect(opened).toHaveLength(2);
  }
});

test("SRP-06, SRP-12: a call to a group does not wait for a member that was gone before it began", async () => {
  const { caller, opened } = world(all, ["one", "two"]);
  const call = async (): Promise<string[]> => {
    const said: string[] = [];
    for await (const answer of caller.call("svc", "echo", say("x"), { single: true })) {
      said.push(answer.kind === "error" ? `${answer.source.service} is gone` : text(answer));
    }
    return said.toSorted();
  };
  expect(await call()).toEqual(["x", "x"]);
  const [own, , two] = opened[0] as [Member, Member, Member];
  own.bring({ kind: "gone", source: two.name });
  two.leave();
  await settle();
  expect(await call()).toEqual(["two is gone", "x"]);
});

test("SRP-12: a server that shuts down tells whoever waits", async () => {
  const { answers, off } = world({
    "svc/stuck": streamUnary(() => new Promise<Uint8Array>(() => undefined)),
  });
  const call = answers("stuck", say("x"));
  await settle();
  off.abort();
  await expect(call).rejects.toMatchObject({ code: "session/rpc-failed" });
});
