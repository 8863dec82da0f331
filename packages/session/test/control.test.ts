import { fromUtf8, toUtf8 } from "@coterie/base";
import { opensslProvider as crypto } from "@coterie/crypto/openssl";
import { createSharedSecretIdentity, createSharedSecretVerifier } from "@coterie/identity/slim";
import type { SlimIdentity } from "@coterie/identity/slim";
import { formatSlimName, formatSlimService, parseSlimName, slimAppId } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import fc from "fast-check";
import { expect, test } from "vitest";
import { grantKey, readGrant, signGrant, verifyGrant } from "../src/control/grant.ts";
import type { Grant } from "../src/control/grant.ts";
import type {
  ControlledApp,
  ControlledChannel,
  ControlMessage,
  ControlSession,
} from "../src/control/port.ts";
import {
  channelOps,
  controlPayloadType,
  readAnswer,
  readRequest,
} from "../src/control/protocol.ts";
import { createControlRequester } from "../src/control/request.ts";
import type { Asking } from "../src/control/request.ts";
import { createControlServer } from "../src/control/serve.ts";
import { acceptsController } from "../src/control/trust.ts";
import type { AcceptController } from "../src/control/trust.ts";

const secret = "0123456789abcdef0123456789abcdef";
const clock = { nowNs: () => 1_700_000_000_000_000_000n };
const identity = (baseId: string, key = secret): SlimIdentity =>
  createSharedSecretIdentity({ crypto, clock, secret: key, baseId });
const nameOf = (app: SlimIdentity, base: string): SlimName => ({
  ...parseSlimName(base),
  id: slimAppId(app.tokenId),
});

/** Two ends of a session; what one sends carries its token. */
function pair(a: SlimIdentity, b: SlimIdentity, hasMls = true): [ControlSession, ControlSession] {
  const boxes: { items: ControlMessage[]; wake: (() => void)[]; over: boolean }[] = [
    { items: [], wake: [], over: false },
    { items: [], wake: [], over: false },
  ];
  const end = (own: 0 | 1, who: SlimIdentity): ControlSession => {
    const [mine, other] = [boxes[own], boxes[1 - own]] as [(typeof boxes)[0], (typeof boxes)[0]];
    return {
      hasMls,
      async send(payload, payloadType) {
        const source = { ...parseSlimName("o/n/a"), id: slimAppId(who.tokenId) };
        other.items.push({ source, payload, payloadType, identity: who.token() });
        for (const wake of other.wake.splice(0)) wake();
      },
      async receive() {
        for (;;) {
          const next = mine.items.shift();
          if (next !== undefined) return next;
          if (mine.over) throw new Error("closed");
          await new Promise<void>((resolve) => mine.wake.push(resolve));
        }
      },
      async close() {
        for (const box of boxes) {
          box.over = true;
          for (const wake of box.wake.splice(0)) wake();
        }
      },
    };
  };
  return [end(0, a), end(1, b)];
}

/** An app whose channels do as they are told. */
function fakeApp(name: SlimName) {
  const channels: (ControlledChannel & {
    readonly members_: SlimName[];
    over: boolean;
    isModerator: boolean;
  })[] = [];
  const app: ControlledApp = {
    name,
    async createChannel(channel, { metadata }) {
      const made = {
        channel,
        metadata,
        members_: [name],
        over: false,
        isModerator: true,
        get isOver() {
          return made.over;
        },
        async invite(member: SlimName) {
          if (member.service === "nobody") throw new Error("message send retries exhausted");
          made.members_.push(member);
        },
        async remove(member: SlimName) {
          const at = made.members_.findIndex((one) => one.service === member.service);
          made.members_.splice(at, 1);
        },
        members: async () => made.members_.map((one) => ({ name: one, online: true })),
        async close() {
          made.over = true;
        },
      };
      channels.push(made);
      return made;
    },
    channels: () => channels,
  };
  return { app, channels };
}

function world(
  options: {
    accept?: AcceptController;
    base?: string;
    mls?: boolean;
    key?: string;
    restored?: ReturnType<typeof fakeApp>;
  } = {},
) {
  const alice = identity("agntcy/ns/alice");
  const base = options.base ?? "agntcy/controller/slim-controller";
  const controller = identity(base, options.key);
  const name = nameOf(alice, "agntcy/ns/alice");
  const { app, channels } = options.restored ?? fakeApp(name);
  const server = createControlServer({
    app,
    crypto,
    clock,
    verifier: createSharedSecretVerifier({ crypto, clock, secret }),
    accept: () => options.accept ?? "verified",
  });
  const [near, far] = pair(controller, alice, options.mls);
  const serving = server.serve(far);
  const requester = createControlRequester(near);
  const grant = (more: Partial<Grant> = {}): string =>
    signGrant(crypto, controller.keys.privateKey, {
      channel: "agntcy/ns/room",
      moderator: formatSlimName(app.name),
      moderators: [formatSlimName(app.name)],
      controller: base,
      issuedAt: 1_700_000_000,
      ops: channelOps,
      ...more,
    });
  const ask = (asking: Asking) => requester.ask(asking, 20_000);
  const create = (more: Partial<Grant> = {}, token = grant(more)) =>
    ask({
      op: "create-channel",
      channel: "agntcy/ns/room",
      mls: true,
      interval: 1000,
      maxRetries: 10,
      metadata: { purpose: "test" },
      grant: token,
    });
  return { app, channels, ask, create, grant, controller, serving, near, far, requester };
}

test("SCT-25: a controller creates a channel, changes and lists its participants, and deletes it", async () => {
  const { ask, create, channels, app } = world();
  await create();
  const participant = "agntcy/ns/bob";
  await ask({ op: "add-participant", channel: "agntcy/ns/room", participant });
  const listed = await ask({ op: "list-participants", channel: "agntcy/ns/room" });
  expect(listed.participants).toEqual([
    { name: formatSlimName(app.name), online: true },
    { name: "agntcy/ns/bob/NULL_COMPONENT", online: true },
  ]);
  await ask({ op: "delete-participant", channel: "agntcy/ns/room", participant });
  expect(channels[0]?.members_).toHaveLength(1);
  const missing = ask({
    op: "add-participant",
    channel: "agntcy/ns/room",
    participant: "a/b/nobody",
  });
  await expect(missing).rejects.toThrow("retries exhausted");
  await ask({ op: "delete-channel", channel: "agntcy/ns/room" });
  expect(channels[0]?.over).toBe(true);
  expect((await ask({ op: "list-channels" })).channels).toEqual([]);
});

test("SCT-27: the session has the settings that were asked for, and the grant in its metadata", async () => {
  const { create, channels, grant } = world();
  await create();
  expect(formatSlimService(channels[0]?.channel as SlimName)).toBe("agntcy/ns/room");
  expect(Object.fromEntries(channels[0]?.metadata ?? [])).toEqual({
    purpose: "test",
    [grantKey]: expect.any(String),
  });
  expect(readGrant(channels[0]?.metadata.get(grantKey) ?? "")).toEqual(readGrant(grant()));
});

test("SCT-26: only the controller's own word about this app and this channel makes it a moderator", async () => {
  const { create, grant, channels, controller } = world();
  const other = identity("agntcy/controller/slim-controller");
  const forged = signGrant(crypto, other.keys.privateKey, readGrant(grant()) as Grant);
  await expect(create({}, forged)).rejects.toThrow("not signed");
  await expect(create({ channel: "agntcy/ns/other" })).rejects.toThrow("another channel");
  await expect(create({ moderator: "agntcy/ns/alice/NULL_COMPONENT" })).rejects.toThrow("another");
  await expect(create({ controller: "x/y/slim-controller" })).rejects.toThrow("another controller");
  await expect(create({ expiresAt: 1_700_000_000 })).rejects.toThrow("over");
  await expect(create({}, "no.token")).rejects.toThrow("not signed");
  expect(channels).toEqual([]);
  const key = controller.keys.publicKey;
  const token = grant();
  expect(verifyGrant(crypto, key, token)).toEqual(readGrant(token));
  expect(verifyGrant(crypto, other.keys.publicKey, token)).toBeUndefined();
  expect(verifyGrant(crypto, key, `${token}.x`)).toBeUndefined();
});

test("SCT-26: a grant names what may be asked, and ends when it says so", async () => {
  const { ask, create } = world();
  await create({ ops: ["create-channel", "list-participants"] });
  const add = { op: "add-participant", channel: "agntcy/ns/room", participant: "a/b/c" } as const;
  await expect(ask(add)).rejects.toThrow("does not name add-participant");
  await ask({ op: "list-participants", channel: "agntcy/ns/room" });
});

test("SCT-24: whom the app does not accept is not answered, whatever it has signed", async () => {
  expect(acceptsController("none", "o/n/slim-controller")).toBe(false);
  expect(acceptsController("verified", "o/n/slim-controller")).toBe(true);
  expect(acceptsController("verified", "o/n/app")).toBe(false);
  expect(acceptsController(["o/n/boss"], "o/n/boss")).toBe(true);
  expect(acceptsController(["o/n/boss"], "o/n/slim-controller")).toBe(false);
  const refused = [
    world({ accept: "none" }),
    world({ accept: ["o/n/boss"] }),
    world({ base: "agntcy/controller/other" }),
    world({ key: "another secret of at least 32 bytes" }),
    world({ mls: false }),
  ];
  for (const { create, channels, serving } of refused) {
    await expect(create()).rejects.toThrow("session");
    await serving;
    expect(channels).toEqual([]);
  }
});

test("SCT-24: a message with the token of somebody else is nobody's", async () => {
  const mallory = identity("agntcy/controller/slim-controller");
  // the source is the controller's, the token another's
  const server = createControlServer({
    app: fakeApp(parseSlimName("a/b/c")).app,
    crypto,
    clock,
    verifier: createSharedSecretVerifier({ crypto, clock, secret }),
    accept: () => "verified",
  });
  let closed = false;
  let asked = false;
  await server.serve({
    hasMls: true,
    send: async () => {},
    async receive() {
      if (asked) throw new Error("closed");
      asked = true;
      return {
        source: parseSlimName("a/b/c/00000000-0000-0000-0000-000000000001"),
        payloadType: controlPayloadType,
        payload: toUtf8(JSON.stringify({ id: "1", op: "list-channels" })),
        identity: mallory.token(),
      };
    },
    async close() {
      closed = true;
    },
  });
  expect(closed).toBe(true);
});

test("SCT-31: channels of an earlier run are known by the grant in their metadata", async () => {
  const first = world();
  await first.create();
  const again = world({ restored: { app: first.app, channels: first.channels } });
  expect((await again.ask({ op: "list-channels" })).channels).toEqual([
    { channel: "agntcy/ns/room", grant: expect.any(String) },
  ]);
  const participant = "agntcy/ns/bob";
  await again.ask({ op: "add-participant", channel: "agntcy/ns/room", participant });
  expect(first.channels[0]?.members_).toHaveLength(2);
});

test("SCT-25: what is no request is told so where it has an id, and no bytes break the reader", async () => {
  expect(readRequest(toUtf8('{"id":"7","op":"grow"}'))).toEqual({ id: "7" });
  expect(readRequest(toUtf8('{"id":"7","op":"create-channel"}'))).toEqual({ id: "7" });
  expect(readRequest(toUtf8("[1]"))).toBeUndefined();
  expect(readAnswer(toUtf8('{"id":"7","ok":false}'))).toEqual({
    id: "7",
    ok: false,
    error: "refused",
  });
  const valid = fromUtf8(
    toUtf8(JSON.stringify({ id: "1", op: "add-participant", channel: "a/b/c", participant: "d" })),
  );
  fc.assert(
    fc.property(fc.nat(valid.length - 1), fc.nat(255), fc.nat(valid.length), (at, byte, length) => {
      const bytes = toUtf8(valid).slice(0, length);
      if (at < length) bytes[at] = byte;
      readRequest(bytes);
      readAnswer(bytes);
      readGrant(fromLatin(bytes));
    }),
    { seed: 11, numRuns: 1_000 },
  );
  const { near, requester } = world();
  await near.send(toUtf8('{"id":"9","op":"grow"}'), controlPayloadType);
  await expect(requester.ask({ op: "list-participants", channel: "x" }, 500)).rejects.toThrow(
    "channel x not found",
  );
});

const fromLatin = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
