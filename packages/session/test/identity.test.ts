// Sessions among those who prove who they are by something else than a secret.
import { generateKeyPairSync } from "node:crypto";
import type { InboxId } from "@coterie/base";
import { installationFromSeed, installationMember, memberKey } from "@coterie/identity";
import type { AssociationState, Installation } from "@coterie/identity";
import { createInboxIdentity, createInboxVerifier } from "@coterie/identity/slim";
import type { SlimVerifier } from "@coterie/identity/slim";
import { createJwtIdentity, createJwtVerifier } from "@coterie/identity/slim/jwt";
import type { Jwk } from "@coterie/identity/slim/jwt";
import { expect, test } from "vitest";
import { createWorld, crypto, typeName } from "./world.ts";
import type { World, WorldApp } from "./world.ts";

const reliability = { intervalMs: 1_000, maxRetries: 5 };
const modes = [
  ["without MLS", undefined],
  ["with MLS", { headerIntegrityPercent: 100 }],
] as const;
type Mls = (typeof modes)[number][1];

function meet(world: World, mls: Mls, alice: WorldApp, ...guests: readonly WorldApp[]) {
  const { session } = alice.create({ mls, reliability }, "agntcy/ns/chat");
  const invites = guests.map(({ name }) => alice.invite(session, name));
  world.until(() => invites.every((handle) => alice.outcome(handle) !== undefined));
  return { session, outcomes: invites.map((handle) => alice.outcome(handle)) };
}

for (const [mode, mls] of modes) {
  test(`SID-06, SID-08: a group of signed tokens, ${mode}`, async () => {
    const world = createWorld();
    const { clock } = world;
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const key = { jwk: privateKey.export({ format: "jwk" }) as Jwk };
    const keys = {
      algorithm: "ES256",
      key: { jwk: publicKey.export({ format: "jwk" }) as Jwk },
    } as const;
    const verifier = await createJwtVerifier({ crypto, clock, keys });
    const member = async (name: string, signing = key) => {
      const subject = `https://id.example/${name}`;
      const identity = await createJwtIdentity({
        crypto,
        clock,
        algorithm: "ES256",
        key: signing,
        subject,
      });
      return world.app(`agntcy/ns/${name}`, { identity, verifier });
    };
    const [alice, bob, carol] = [await member("alice"), await member("bob"), await member("carol")];
    const { session, outcomes } = meet(world, mls, alice, bob, carol);
    expect(outcomes).toEqual([{}, {}]);
    alice.publish(session, "hello");
    carol.publish(session, "hello back");
    world.run(100);
    expect([bob, carol].map((app) => app.texts(session))).toEqual([
      ["hello", "hello back"],
      ["hello"],
    ]);
    for (const app of [alice, bob, carol]) expect(app.refused).toEqual([]);

    // somebody whose token nobody here signed, and somebody with a secret
    const foreign = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const mallory = await member("mallory", {
      jwk: foreign.privateKey.export({ format: "jwk" }) as Jwk,
    });
    const oscar = world.app("agntcy/ns/oscar");
    for (const stranger of [mallory, oscar]) {
      const invite = alice.invite(session, stranger.name);
      world.until(() => alice.outcome(invite) !== undefined);
      expect(alice.outcome(invite)).toBe("session/unanswered");
    }
  });

  test(`SID-08: a group of inboxes; who was revoked is out, ${mode}`, async () => {
    const world = createWorld();
    const { clock } = world;
    const inboxes = new Map<string, readonly Installation[]>();
    const lookup = async (inboxId: InboxId) =>
      ({
        inboxId,
        members: new Map(
          (inboxes.get(inboxId) ?? []).map(({ id }) => [
            memberKey(installationMember(id)),
            { id: installationMember(id) },
          ]),
        ),
      }) as unknown as AssociationState;
    const verifier: SlimVerifier = createInboxVerifier({
      crypto,
      clock,
      lookup,
      maxAgeSeconds: 600,
    });
    const person = async (name: string, n: number) => {
      const inboxId = n.toString(16).padStart(64, "0") as InboxId;
      const installation = installationFromSeed(crypto, new Uint8Array(32).fill(n));
      inboxes.set(inboxId, [installation]);
      const identity = createInboxIdentity({ crypto, clock, inboxId, installation });
      await verifier.prepare?.(identity.token());
      return { inboxId, identity, app: world.app(`agntcy/ns/${name}`, { identity, verifier }) };
    };
    const [alice, bob, carol] = [
      await person("alice", 1),
      await person("bob", 2),
      await person("carol", 3),
    ];
    const { session, outcomes } = meet(world, mls, alice.app, bob.app);
    expect(outcomes).toEqual([{}]);
    bob.app.publish(session, "from one of two worlds");
    world.run(100);
    expect(alice.app.texts(session)).toEqual(["from one of two worlds"]);

    // carol's installation is revoked before she is invited
    inboxes.set(carol.inboxId, []);
    world.run(601_000);
    for (const { identity } of [alice, bob, carol]) await verifier.prepare?.(identity.token());
    const invite = alice.app.invite(session, carol.app.name);
    world.until(() => alice.app.outcome(invite) !== undefined);
    expect(alice.app.outcome(invite)).toBe("session/unanswered");
    expect(alice.app.refused).toContain("identity/bad-token");
  });
}

test("SSG-04: a discovery is verified before it is answered", () => {
  for (const spoil of ["token", "signature", "key", undefined]) {
    const world = createWorld();
    const [alice, bob] = [world.app("agntcy/ns/alice"), world.app("agntcy/ns/bob")];
    const mallory = world.app("agntcy/ns/mallory", {
      secret: "another secret of 32 bytes and more",
    });
    world.meddle(({ type, publish }) => {
      const { header } = publish;
      if (typeName(type) !== "discoveryRequest" || header === undefined) return undefined;
      const changed =
        spoil === "token"
          ? { identity: mallory.parts.identity.token() }
          : spoil === "key"
            ? { identity: bob.parts.identity.token() }
            : spoil === "signature"
              ? { e2eHeaderSig: undefined }
              : {};
      return { publish: { ...publish, header: { ...header, ...changed } } };
    });
    const { session } = alice.create({ reliability }, "agntcy/ns/chat");
    const invite = alice.invite(session, bob.name);
    world.until(() => alice.outcome(invite) !== undefined);
    expect([spoil, alice.outcome(invite)]).toEqual([
      spoil,
      spoil === undefined ? {} : "session/unanswered",
    ]);
    expect(bob.refused.length > 0).toBe(spoil !== undefined);
  }
});

test("SID-07: each message, also one that is sent again, carries the token of its time", () => {
  const world = createWorld();
  const [alice, bob] = [world.app("agntcy/ns/alice"), world.app("agntcy/ns/bob")];
  const slow = { intervalMs: 40_000, maxRetries: 5 };
  const { session } = alice.create({ reliability: slow }, "agntcy/ns/chat");
  const invite = alice.invite(session, bob.name);
  world.until(() => alice.outcome(invite) !== undefined);
  const sent = (app: WorldApp) =>
    app.effects.flatMap((effect) =>
      effect.kind === "send" ? [{ at: world.now, ...effect.publish }] : [],
    );
  let lost = 0;
  world.meddle(({ type }) => (typeName(type) === "msg" && lost++ < 2 ? "drop" : undefined));
  const handle = alice.publish(session, "hello");
  world.until(() => alice.outcome(handle) !== undefined, 300_000);
  const copies = sent(alice).filter(
    ({ session: to }) => typeName(to?.sessionMessageType ?? 0) === "msg",
  );
  const tokens = copies.map(({ header }) => header?.identity.split(":")[1]);
  expect(tokens).toHaveLength(3);
  // 40 and 80 seconds later: a token serves for a minute (SID-04)
  expect(tokens[1]).toBe(tokens[0]);
  expect(Number(tokens[2]) - Number(tokens[0])).toBeGreaterThanOrEqual(60);
  for (const { header } of [...sent(alice), ...sent(bob)]) expect(header?.identity).not.toBe("");
});
