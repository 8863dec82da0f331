import {
  CloseMode,
  Direction,
  IdentityProviderConfig,
  IdentityVerifierConfig,
  Name,
  newConfigFromJson,
  newInsecureClientConfig,
  Service,
  SessionError,
  SessionType,
  SlimError,
} from "@coterie/session/node";
import * as slim from "@coterie/session/node";
import { adminOnlyPolicy, createRoster } from "@coterie/policy";
import type { InboxId } from "@coterie/base";
import { afterEach, expect, test, vi } from "vitest";
import { createNode, secret, text, words } from "./node.ts";

let node = createNode();
afterEach(async () => {
  await node.close();
  node = createNode();
});

const chat = new Name("agntcy", "ns", "chat");
const group = { sessionType: SessionType.Group, maxRetries: 3, interval: 200 };
const pair = { ...group, sessionType: SessionType.PointToPoint };

async function groupOf(...names: string[]) {
  return groupWith(group, ...names);
}

async function groupWith(config: slim.SessionConfig, ...names: string[]) {
  const apps = await Promise.all(names.map((name) => node.app(name)));
  const [moderator, ...members] = apps as [(typeof apps)[0], ...typeof apps];
  const session = await moderator.app.createSessionAndWait(config, chat);
  const sessions = [];
  for (const { app } of members) {
    const joining = app.listenForSession(5000);
    await session.inviteAndWait(app.name());
    sessions.push(await joining);
  }
  return { apps, moderator, session, sessions };
}

test("SNM-09: a name prints without its id, and is the same by components and id", () => {
  const id = "00000000-0000-0000-0000-000000000007";
  const name = Name.newWithId("a", "b", "c", id);
  expect([String(name), name.id(), name.toDebugString()]).toEqual(["a/b/c", id, `a/b/c/${id}`]);
  expect(new Name("a", "b", "c").id()).toBe("NULL_COMPONENT");
  expect(name.equals(Name.fromString(`a/b/c/${id}`))).toBe(true);
  expect(name.equals(new Name("a", "b", "c"))).toBe(false);
  for (const wrong of ["a/b", "a//c", "a/b/c/x", "a/b/c/d/e"]) {
    expect(() => Name.fromString(wrong)).toThrow(
      expect.objectContaining({ code: "session/bad-argument", tag: "InvalidArgument" }),
    );
  }
});

test("SNM-10: an app's id is a UUID, and its low half a decimal number", async () => {
  const { app } = await node.app("ada");
  expect(app.id()).toMatch(/^[0-9a-f-]{36}$/);
  const low = BigInt(`0x${app.id().replaceAll("-", "").slice(16)}`);
  expect(app.decimalId()).toBe(low.toString());
  expect(app.name().id()).toBe(app.id());
});

test("SRL-06: a handle says who has a message, as often as it is asked", async () => {
  const { session, sessions, apps } = await groupOf("ada", "bob", "cid");
  const handle = await session.publish(text("hello"));
  const first = await handle.wait();
  expect(first.acked.map(String).toSorted()).toEqual(["agntcy/ns/bob", "agntcy/ns/cid"]);
  expect(await handle.waitForAsync({ seconds: 1 })).toEqual(first);
  for (const one of sessions) expect(words(await one.getMessage(1000))).toBe("hello");
  expect(apps[1]?.app.refusals()).toEqual(new Map());
});

test("SSN-20: waiting ends with the signal or the time, and what is waited for goes on", async () => {
  const { session } = await groupOf("ada");
  // nobody is there: it stays open until somebody is (SRL-02)
  const handle = await session.publish(text("early"));
  await expect(handle.waitFor(5)).rejects.toMatchObject({
    code: "session/timeout",
    tag: "Timeout",
  });
  const reason = new Error("enough");
  await expect(handle.wait({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const control = new AbortController();
  const waiting = handle.waitAsync({ signal: control.signal });
  control.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  await expect(session.getMessage(undefined, { signal: AbortSignal.abort(reason) })).rejects.toBe(
    reason,
  );
  await expect(session.invite(chat, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const bob = await node.app("bob");
  const joining = bob.app.listenForSession(5000);
  await session.inviteAndWait(bob.name);
  expect(words(await (await joining).getMessage(5000))).toBe("early");
  await expect(handle.wait()).resolves.toMatchObject({ missing: [] });
});

test("SGR-12: an invitation that nobody answers rejects after its retries, and no earlier", async () => {
  const { session } = await groupOf("ada");
  const handle = await session.invite(new Name("agntcy", "ns", "nobody"));
  await expect(handle.wait()).rejects.toMatchObject({ code: "session/unanswered" });
  // the group goes on
  expect(await session.participantsList()).toHaveLength(1);
});

test("SPP-01: a pair stands once its peer has joined, and one that does not is over", async () => {
  const [ada, bob] = await Promise.all([node.app("ada"), node.app("bob")]);
  const { session, completion } = await ada.app.createSession(pair, bob.name);
  expect(session.sessionType()).toBe(SessionType.PointToPoint);
  const joining = bob.app.listenForSession({ seconds: 5 });
  expect(await completion).toEqual({ acked: [], missing: [] });
  const theirs = await joining;
  expect([session.isInitiator(), theirs.isInitiator()]).toEqual([true, false]);
  expect(theirs.destination().equals(ada.app.name())).toBe(true);
  await expect(session.invite(bob.name)).rejects.toMatchObject({ code: "session/not-a-group" });
  await expect(
    ada.app.createSessionAndWait(pair, new Name("agntcy", "ns", "nobody")),
  ).rejects.toMatchObject({ code: "session/unanswered" });
});

test("SRL-20: what comes instead of messages comes by the same call, in the bindings' words", async () => {
  const { session, sessions } = await groupOf("ada", "bob");
  await expect(session.getMessage({ milliseconds: 5 })).rejects.toMatchObject({
    code: "session/timeout",
    message: "receive timeout waiting for message",
    inner: { message: "receive timeout waiting for message" },
    tag: "SessionError",
  });
  await session.invite((await node.app("cid")).name).wait();
  await sessions[0]?.closeAndWait();
  await expect(session.getMessage(5000)).rejects.toMatchObject({
    code: "session/participant-disconnected",
    message: expect.stringMatching(/^participant disconnected: agntcy\/ns\/bob\/[0-9a-f-]{36}$/),
  });
  await expect(sessions[0]?.getMessage(5000)).rejects.toMatchObject({
    code: "session/closed",
    message: "session closed",
  });
  await expect(sessions[0]?.publish(text("late"))).rejects.toMatchObject({
    message: "Session already closed or dropped",
    tag: "SessionError",
  });
  expect(sessions[0]?.closed()).toBe("closed-by-us");
  // what can be read without asking anybody still can
  expect(sessions[0]?.metadata()).toEqual(new Map());
});

test("SSN-20: messages are a stream that ends with the session, and events tell who comes and goes", async () => {
  const { session, sessions } = await groupOf("ada", "bob");
  const changes: string[] = [];
  const stop = session.on("participant", ({ kind, name }) => changes.push(`${name} ${kind}`));
  const ends: string[] = [];
  sessions[0]?.on("closed", (reason) => ends.push(reason));
  const heard = (async () => {
    const all = [];
    for await (const message of sessions[0]!.messages()) all.push(words(message));
    return all;
  })();
  const cid = await node.app("cid");
  await session.inviteAndWait(cid.name);
  await session.publishAndWait(text("one"));
  await session.publishAndWait(text("two"));
  await session.removeAndWait(cid.name);
  stop();
  await session.closeAndWait();
  expect(await heard).toEqual(["one", "two"]);
  expect(changes).toEqual(["agntcy/ns/cid joined", "agntcy/ns/cid left"]);
  expect(ends).toEqual(["closed-by-moderator"]);
});

test("SRL-16: publishWithParams goes to the channel, or to the member it names", async () => {
  const { session, sessions, apps } = await groupOf("ada", "bob", "cid");
  await session.publishWithParams(session.destination(), 7, text("to all"), undefined);
  await session.publishWithParams(apps[1]!.app.name(), 1, text("to bob"));
  expect(words(await sessions[1]!.getMessage(1000))).toBe("to all");
  const atBob = [await sessions[0]!.getMessage(1000), await sessions[0]!.getMessage(1000)];
  expect(atBob.map(words).toSorted()).toEqual(["to all", "to bob"]);
  await expect(sessions[1]!.getMessage(20)).rejects.toMatchObject({ code: "session/timeout" });
});

test("SHB-10, SHB-11: a soft close is for a while, and what was missed comes after it", async () => {
  const { session, sessions } = await groupOf("ada", "bob");
  await session.publishAndWait(text("before"));
  await sessions[0]!.closeWithModeAndWait(CloseMode.Soft);
  await vi.waitFor(async () =>
    expect((await session.participantsList()).map(({ status }) => status)).toContain(1),
  );
  const missed = await session.publish(text("missed"));
  await sessions[0]!.rejoinAndWait();
  await missed.wait();
  expect(words(await sessions[0]!.getMessage(5000))).toBe("before");
  expect(words(await sessions[0]!.getMessage(5000))).toBe("missed");
});

test("a payload is taken as it is at the call, from views and from buffers", async () => {
  const { session, sessions } = await groupOf("ada", "bob");
  const bytes = text("as it was");
  const sent = session.publishAndWait(bytes, "text/plain", { lang: "en" });
  bytes.fill(0);
  await sent;
  await session.publishAndWait(text("buffer").buffer as ArrayBuffer, null, new Map([["a", "b"]]));
  const [one, two] = [await sessions[0]!.getMessage(1000), await sessions[0]!.getMessage(1000)];
  expect([words(one), one.context.payloadType, one.context.metadata]).toEqual([
    "as it was",
    "text/plain",
    new Map([["lang", "en"]]),
  ]);
  expect([words(two), two.context.payloadType]).toEqual(["buffer", "msg"]);
  expect([String(one.context.sourceName), String(one.context.destinationName)]).toEqual([
    "agntcy/ns/ada",
    "agntcy/ns/chat",
  ]);
  for (const wrong of ["text", 5, null, undefined]) {
    await expect(session.publish(wrong as never)).rejects.toMatchObject({
      code: "session/bad-argument",
    });
  }
  await expect(session.publish(new Uint8Array(5 << 20))).rejects.toMatchObject({
    code: "session/too-large",
  });
});

test.each([
  ["sessionType", { ...group, sessionType: 7 as never }],
  ["maxRetries", { ...group, maxRetries: -1 }],
  ["duration", { ...group, interval: { fortnights: 1 } as never }],
  ["metadata", { ...group, metadata: { a: 1 } as never }],
])(
  "a configuration that cannot be is refused by what is wrong with it: %s",
  async (what, config) => {
    const { app } = await node.app("ada");
    await expect(app.createSession(config, chat)).rejects.toMatchObject({
      code: "session/bad-argument",
      details: { what },
    });
  },
);

test("apps of one service reach each other without a node", async () => {
  const service = new Service("alone");
  const [a, b, c] = ["ada", "bob", "cid"].map((name) =>
    service.createAppWithSecret(new Name("agntcy", "ns", name), secret),
  );
  const session = await a!.createSessionAndWait({ ...group, enableMls: true }, chat);
  const joined = [];
  for (const app of [b!, c!]) {
    const joining = app.listenForSession(2000);
    await session.inviteAndWait(app.name());
    joined.push(await joining);
  }
  await session.publishAndWait(text("hello"));
  for (const one of joined) expect(words(await one.getMessage(1000))).toBe("hello");
  await service.shutdown();
  expect(() => service.createAppWithSecret(chat, secret)).toThrow(
    expect.objectContaining({ code: "session/closed" }),
  );
});

test("SND-04: apps that share a connection reach each other, and others over it", async () => {
  const { service, app } = await node.app("ada");
  const bob = service.createAppWithSecret(new Name("agntcy", "ns", "bob"), secret);
  const far = await node.app("cid");
  const session = await app.createSessionAndWait(group, chat);
  const joined = [];
  for (const one of [bob, far.app]) {
    const joining = one.listenForSession(2000);
    await session.inviteAndWait(one.name());
    joined.push(await joining);
  }
  await session.publishAndWait(text("from ada"));
  await joined[0]!.publishAndWait(text("from bob"));
  expect([words(await joined[0]!.getMessage(1000))]).toEqual(["from ada"]);
  expect([
    words(await joined[1]!.getMessage(1000)),
    words(await joined[1]!.getMessage(1000)),
    words(await session.getMessage(1000)),
  ]).toEqual(["from ada", "from bob", "from bob"]);
});

test("SRT-11: with one connection a route is optional; with several it says where to", async () => {
  const other = createNode();
  const service = new Service("two", {
    dial: ({ endpoint }) => (endpoint === "http://one" ? node.dial() : other.dial()),
  });
  const one = await service.connect(newInsecureClientConfig("http://one"));
  const two = await service.connect(newInsecureClientConfig("http://two"));
  expect([service.getConnectionId("http://two"), service.getConnectionId("x")]).toEqual([
    two,
    undefined,
  ]);
  const app = service.createAppWithSecret(new Name("agntcy", "ns", "ada"), secret);
  const far = await other.app("bob");
  await expect(app.createSession(pair, far.name)).rejects.toMatchObject({
    code: "session/no-connection",
    tag: "ServiceError",
  });
  await expect(app.setRoute(far.name, 77n)).rejects.toMatchObject({
    message: "connection not found: 77",
  });
  await app.setRouteAsync(far.name, two);
  const joining = far.app.listenForSession(5000);
  const session = await app.createSessionAndWait(pair, far.name);
  await session.publishAndWait(text("over there"));
  expect(words(await (await joining).getMessage(1000))).toBe("over there");
  await app.removeRoute(far.name, two);
  await service.disconnect(one);
  await expect(service.disconnect(one)).rejects.toMatchObject({ code: "session/no-connection" });
  await service.shutdown();
  await other.close();
});

test("SCN-11, SCN-12: a connection that is lost comes back, and its sessions go on", async () => {
  const { session, sessions } = await groupWith({ ...group, interval: 2000 }, "ada", "bob");
  for (const transport of node.transports) transport.disconnect();
  const { acked } = await session.publishAndWait(text("after all"));
  expect(acked.map(String)).toEqual(["agntcy/ns/bob"]);
  expect(words(await sessions[0]!.getMessage(1000))).toBe("after all");
}, 20_000);

test("SSN-22: a session lives until it is closed, or its connection is given up, which says so", async () => {
  const { session, moderator } = await groupOf("ada", "bob");
  const reading = session.getMessage();
  reading.catch(() => {});
  await moderator.service.disconnect(moderator.connId);
  await expect(reading).rejects.toMatchObject({
    code: "session/closed",
    details: { reason: "disconnected" },
  });
});

test("SGR-21: an invitation is accepted, denied, or somebody is asked first", async () => {
  const ada = await node.app("ada");
  const bob = await node.app("bob");
  const session = await ada.app.createSessionAndWait(
    { ...group, metadata: { topic: "lunch" } },
    chat,
  );
  const seen: unknown[] = [];
  bob.app.onInvite((invitation) => {
    seen.push([
      String(invitation.moderator),
      invitation.baseId,
      invitation.sessionType,
      String(invitation.channel),
      invitation.metadata.get("topic"),
    ]);
    return "deny";
  });
  await expect(session.inviteAndWait(bob.name)).rejects.toMatchObject({
    code: "session/unanswered",
  });
  expect(seen[0]).toEqual(["agntcy/ns/ada", "agntcy/ns/ada", 1, "agntcy/ns/chat", "lunch"]);
  const ask = vi.fn(async () => "accept" as const);
  bob.app.onInvite(() => "ask", ask);
  const joining = bob.app.listenForSession(5000);
  await session.inviteAndWait(bob.name);
  expect((await joining).sessionId()).toBe(session.sessionId());
  expect(ask).toHaveBeenCalledTimes(1);
});

test("SGR-21: by the rules of a group whoever may add members may invite", () => {
  const [admin, member, self] = ["a", "b", "c"].map((digit) => digit.repeat(64) as InboxId) as [
    InboxId,
    InboxId,
    InboxId,
  ];
  const policy = slim.invitationsByPolicy({
    policy: adminOnlyPolicy,
    roster: createRoster({ members: [admin, member], superAdmins: [admin] }),
    self,
    otherwise: "ask",
    inboxOf: ({ baseId }) =>
      new Map([
        ["admin", admin],
        ["member", member],
      ]).get(baseId),
  });
  const from = (baseId: string) =>
    policy({
      moderator: chat,
      baseId,
      sessionId: 1,
      sessionType: SessionType.Group,
      metadata: new Map(),
    });
  expect([from("admin"), from("member"), from("stranger")]).toEqual(["accept", "ask", "ask"]);
});

test("SSN-10: who does not send is told so, and who does not receive is not waited for", async () => {
  const ada = await node.app("ada");
  const service = node.service("quiet");
  await service.connect(newInsecureClientConfig("http://node"));
  const own = { id: "agntcy/ns/quiet", data: secret };
  const quiet = service.createAppWithDirection(
    new Name("agntcy", "ns", "quiet"),
    new IdentityProviderConfig.SharedSecret(own),
    new IdentityVerifierConfig.SharedSecret(own),
    Direction.None,
  );
  const session = await ada.app.createSessionAndWait(group, chat);
  const joining = quiet.listenForSession(5000);
  await session.inviteAndWait(quiet.name());
  const theirs = await joining;
  await expect(theirs.publish(text("psst"))).rejects.toMatchObject({
    code: "session/not-a-sender",
  });
});

test("SID-02: a secret that is too short is no identity", () => {
  expect(() => new Service("x").createAppWithSecret(chat, "short")).toThrow(
    expect.objectContaining({ code: "session/bad-identity", tag: "AuthError" }),
  );
});

test("errors are told apart as the bindings tell them", () => {
  const error = new SessionError("session/timeout", {});
  expect([SlimError.instanceOf(error), SlimError.Timeout.instanceOf(error)]).toEqual([true, true]);
  expect(SlimError.AuthError.instanceOf(error)).toBe(false);
  expect(new SlimError.SendError({ message: "no" })).toMatchObject({
    tag: "SendError",
    inner: { message: "no" },
  });
});

test("an app of the global service, as the bindings make one", async () => {
  expect(() => slim.App.newWithSecret(chat, secret)).toThrow(
    expect.objectContaining({ code: "session/unsupported" }),
  );
  slim.initializeWithDefaults();
  expect(slim.isInitialized()).toBe(true);
  const app = slim.App.newWithSecret(new Name("agntcy", "ns", "global"), secret);
  expect(slim.App.instanceOf(app)).toBe(true);
  expect(slim.getGlobalService()).toBe(slim.getServices()[0]);
  await slim.shutdownBlocking();
  expect(slim.isInitialized()).toBe(false);
});

test("a configuration out of JSON has the defaults of one that is made", () => {
  const made = newConfigFromJson('{"endpoint":"http://node:46357","tls":{"insecure":true}}');
  expect(made.tls).toEqual(newInsecureClientConfig("http://node:46357").tls);
  for (const wrong of ["", "[]", "null", '{"endpoint":1}']) {
    expect(() => newConfigFromJson(wrong)).toThrow(SessionError);
  }
});
