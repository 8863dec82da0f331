import { expect, test } from "vitest";
import { acceptAll, createKeyPackage, decodeKeyPackage, join, members, seal } from "@coterie/mls";
import type { CommitInput, CreatedKeyPackage, Extension, Proposal } from "@coterie/mls";
import { cipherSuites } from "@coterie/crypto";
import type { KeyPair } from "@coterie/crypto";
import {
  GroupMembership,
  GroupMutableMetadataV1,
  GroupMutablePermissionsV1,
  MlsCredential,
  PlaintextEnvelope,
} from "@coterie/wire";
import { encodeContent, encodeText } from "@coterie/client";
import {
  createWorld,
  crew,
  follow,
  groupOf,
  standings,
  textsOf,
  unsafeForgerOf,
  unsafeSignerOf,
} from "@coterie/testkit";
import type { Actor, Forger, World } from "@coterie/testkit";

/** The context's extensions with one of them changed. */
function changed(forger: Forger, type: number, change: (data: Uint8Array) => Uint8Array): Proposal {
  const extensions = forger.group.context.extensions.map((extension): Extension =>
    extension.type === type ? { type, data: change(extension.data) } : extension,
  );
  return { kind: "group-context-extensions", extensions };
}

const metadata =
  (change: (value: GroupMutableMetadataV1) => GroupMutableMetadataV1) =>
  (data: Uint8Array): Uint8Array =>
    GroupMutableMetadataV1.encode(change(GroupMutableMetadataV1.decode(data)));
const membership =
  (change: (value: GroupMembership) => GroupMembership) =>
  (data: Uint8Array): Uint8Array =>
    GroupMembership.encode(change(GroupMembership.decode(data)));

interface Scene {
  readonly world: World;
  readonly forger: Forger;
  readonly ada: Actor;
  readonly bo: Actor;
  readonly cy: Actor;
  readonly id: string;
}

function leafOf({ forger }: Scene, actor: Actor): number {
  const found = members(forger.group).find(
    ({ leaf }) => Buffer.from(leaf.signatureKey).toString("hex") === actor.client.installationId,
  );
  return (found as { leafIndex: number }).leafIndex;
}

type Attack = (scene: Scene) => Promise<readonly Proposal[]>;

const attacks: [rule: string, what: string, attack: Attack, more?: Partial<CommitInput>][] = [
  [
    "XPM-05",
    "makes itself a super admin",
    async ({ forger, bo }) => [
      changed(
        forger,
        0xff00,
        metadata((value) => ({
          ...value,
          superAdminList: { inboxIds: [...value.superAdminList.inboxIds, bo.client.inboxId] },
        })),
      ),
    ],
  ],
  [
    "XPM-02",
    "makes itself an admin",
    async ({ forger, bo }) => [
      changed(
        forger,
        0xff00,
        metadata((value) => ({
          ...value,
          adminList: { inboxIds: [bo.client.inboxId] },
        })),
      ),
    ],
  ],
  [
    "XPM-04",
    "changes a key that no policy names",
    async ({ forger }) => [
      changed(
        forger,
        0xff00,
        metadata((value) => ({
          ...value,
          attributes: new Map(value.attributes).set("_commit_log_signer", "00"),
        })),
      ),
    ],
  ],
  [
    "XPM-06",
    "opens the permissions",
    async ({ forger }) => [
      changed(forger, 0xff02, (data) => {
        const { policies } = GroupMutablePermissionsV1.decode(data);
        return GroupMutablePermissionsV1.encode({
          policies: policies && { ...policies, removeMemberPolicy: { kind: "base", value: 1 } },
        });
      }),
    ],
  ],
  [
    "XCV-02",
    "takes the permissions away",
    async ({ forger }) => [
      {
        kind: "group-context-extensions",
        extensions: forger.group.context.extensions.filter(({ type }) => type !== 0xff02),
      },
    ],
  ],
  [
    "XCV-02",
    "writes metadata that cannot be read",
    async ({ forger }) => [changed(forger, 0xff00, () => new Uint8Array([0xff, 0xff]))],
  ],
  [
    "XCV-05",
    "writes a name that is too long",
    async ({ forger }) => [
      changed(
        forger,
        0xff00,
        metadata((value) => ({
          ...value,
          attributes: new Map(value.attributes).set("group_name", "x".repeat(101)),
        })),
      ),
    ],
  ],
  [
    "XPM-02",
    "removes a member",
    async (scene) => [
      { kind: "remove", removed: leafOf(scene, scene.cy) },
      changed(
        scene.forger,
        0xff01,
        membership((value) => {
          const left = new Map(value.members);
          left.delete(scene.cy.client.inboxId);
          return { ...value, members: left };
        }),
      ),
    ],
  ],
  [
    "XCV-14",
    "removes a leaf and keeps its inbox",
    async (scene) => [{ kind: "remove", removed: leafOf(scene, scene.cy) }],
  ],
  [
    "XCV-10",
    "turns a sequence id back",
    async ({ forger, cy }) => [
      changed(
        forger,
        0xff01,
        membership((value) => ({
          ...value,
          members: new Map(value.members).set(cy.client.inboxId, 1n),
        })),
      ),
    ],
  ],
  [
    "XID-31",
    "adds an inbox at a sequence id that is not in its log",
    async ({ world, forger }) => {
      const eve = await world.join("eve");
      const [bytes] = await world.log.keyPackages([eve.client.installationIdBytes]);
      return [
        { kind: "add", keyPackage: decodeKeyPackage(bytes as Uint8Array) },
        changed(
          forger,
          0xff01,
          membership((value) => ({
            ...value,
            members: new Map(value.members).set(eve.client.inboxId, 1_000_000n),
          })),
        ),
      ];
    },
  ],
  [
    "XCV-13",
    "adds an installation that no inbox of the commit admitted",
    async ({ world, forger }) => {
      const eve = await world.join("eve");
      const [bytes] = await world.log.keyPackages([eve.client.installationIdBytes]);
      return [
        { kind: "add", keyPackage: decodeKeyPackage(bytes as Uint8Array) },
        changed(forger, 0xff01, (data) => data),
      ];
    },
  ],
  [
    "XCV-06",
    "changes whom its own leaf speaks for",
    async () => [],
    { newLeaf: { credential: { kind: "basic", identity: new Uint8Array(0) } } },
  ],
  [
    "XGC-08",
    "closes the group in favour of another",
    async () => [
      {
        kind: "reinit",
        groupId: new Uint8Array(16),
        version: 1,
        cipherSuite: 3,
        extensions: [],
      },
    ],
  ],
];

async function scene(): Promise<Scene> {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo", "cy"]);
  const [ada, bo, cy] = actors as [Actor, Actor, Actor];
  const forger = await unsafeForgerOf(world, bo.store, group.id);
  return { world, forger, ada, bo, cy, id: group.id };
}

test.each(attacks)(
  "%s: a member that %s is refused by all, and nobody forks",
  async (rule, _, attack, more) => {
    const play = await scene();
    const { world, forger, ada, cy, id } = play;
    const chosen =
      rule === "XCV-06"
        ? {
            newLeaf: {
              credential: {
                kind: "basic" as const,
                identity: MlsCredential.encode({ inboxId: ada.client.inboxId }),
              },
            },
          }
        : more;
    await forger.commit(await attack(play), chosen);
    if (rule === "XID-31") {
      // XCV-11, XCV-31: the update might still come. For two minutes everybody waits, then nobody.
      for (const honest of [ada, cy]) {
        const own = await groupOf(honest, id);
        await expect(own.sync()).rejects.toMatchObject({ code: "client/identity-behind" });
        expect(honest.events.at(-1)).toMatchObject({ kind: "waiting", what: "commit" });
      }
      world.clock.jump(121_000);
    }
    const before = await standings([ada, cy], id);
    expect(before.size).toBe(1);
    for (const honest of [ada, cy]) {
      expect(honest.events.filter(({ kind }) => kind === "refused")).toMatchObject([
        { kind: "refused", what: "commit", rule },
      ]);
    }
    // Life goes on.
    const hers = await groupOf(ada, id);
    await hers.updateName("after the attack");
    await hers.sendText("still here");
    expect(await textsOf(await follow(cy, id))).toEqual(["still here"]);
    expect((await standings([ada, cy], id)).size).toBe(1);
    await world.close();
  },
);

test("XID-31: an inbox moved ahead of its log is followed, as released members do, and still heard", async () => {
  const { world, forger, ada, cy, id } = await scene();
  await forger.commit([
    changed(
      forger,
      0xff01,
      membership((value) => ({
        ...value,
        members: new Map(value.members).set(cy.client.inboxId, 1_000_000n),
      })),
    ),
  ]);
  expect((await standings([ada, cy], id)).size).toBe(1);
  const cys = await groupOf(cy, id);
  expect((await cys.debugInfo()).epoch).toBe(2n);
  await cys.sendText("still heard", { optimistic: true });
  await cys.sync().catch(() => undefined);
  await cys.sync().catch(() => undefined);
  expect(await textsOf(await follow(ada, id))).toEqual(["still heard"]);
  await world.close();
});

test("XCV-02: a commit that changes the immutable extension is followed, as released members do", async () => {
  const { world, forger, ada, cy, id } = await scene();
  await forger.commit([
    changed(forger, 0xf000, (data) => {
      const other = new Uint8Array(data);
      // A digit of the creator's inbox id.
      other[other.length - 1] = 0x30;
      return other;
    }),
  ]);
  expect((await standings([ada, cy], id)).size).toBe(1);
  const hers = await groupOf(ada, id);
  expect((await hers.debugInfo()).epoch).toBe(2n);
  await hers.sendText("still one group");
  expect(await textsOf(await follow(cy, id))).toEqual(["still one group"]);
  await world.close();
});

test("XPM-07: an admin that removes the super admin is refused by all, and nobody forks", async () => {
  const play = await scene();
  const { world, ada, bo, cy, id } = play;
  await (await groupOf(ada, id)).addAdmin(bo.client.inboxId);
  await follow(bo, id);
  const forger = await unsafeForgerOf(world, bo.store, id);
  await forger.commit([
    { kind: "remove", removed: leafOf({ ...play, forger }, ada) },
    changed(
      forger,
      0xff01,
      membership((value) => {
        const left = new Map(value.members);
        left.delete(ada.client.inboxId);
        return { ...value, members: left };
      }),
    ),
  ]);
  expect((await standings([ada, cy], id)).size).toBe(1);
  for (const honest of [ada, cy]) {
    expect(honest.events.filter(({ kind }) => kind === "refused")).toMatchObject([
      { what: "commit", rule: "XPM-07" },
    ]);
  }
  await world.close();
});

test.each([
  ["another member's inbox", "ada", "there"],
  ["an inbox that is not in the group", "eve", "there"],
  ["another member's inbox, and is gone when it is heard", "ada", "gone"],
  ["an inbox that is not in the group, and is gone when it is heard", "eve", "gone"],
] as const)("A5: a leaf that claims %s is not heard", async (_, claimed, then) => {
  const play = await scene();
  const { world, forger, ada, bo, cy, id } = play;
  const inboxId = claimed === "ada" ? ada.client.inboxId : (await world.join("eve")).client.inboxId;
  // Bo admits a new installation to his own inbox, whose key package says that it is another's.
  const phone = await world.join("bo's phone", { wallet: "bo" });
  const mask = await unsafeKeyPackage(world, phone, inboxId);
  const moveBo = async (): Promise<Proposal> => {
    const log = await world.log.identityUpdates(bo.client.inboxId, 0n);
    const newest = (log.at(-1) as { sequenceId: bigint }).sequenceId;
    return changed(
      forger,
      0xff01,
      membership((value) => ({
        ...value,
        members: new Map(value.members).set(bo.client.inboxId, newest),
      })),
    );
  };
  const { welcome } = await forger.commit([
    { kind: "add", keyPackage: mask.keyPackage },
    await moveBo(),
  ]);
  // All follow this commit, as released members do: to refuse it would fork us off.
  expect((await standings([ada, cy], id)).size).toBe(1);
  const joined = join({
    crypto: world.crypto,
    welcome: welcome as Uint8Array,
    keyPackages: [mask],
    judge: acceptAll,
  });
  if (joined.kind !== "joined") throw new Error(joined.kind);
  const content = encodeContent(encodeText("I am Ada, send money"));
  const { message } = seal({
    crypto: world.crypto,
    group: joined.group,
    signer: mask.signer,
    plaintext: PlaintextEnvelope.encode({ kind: "v1", value: { content, idempotencyKey: "k" } }),
  });
  if (then === "gone") {
    await bo.client.revokeInstallations([phone.client.installationIdBytes]);
    forger.advance();
    await forger.commit([{ kind: "remove", removed: joined.group.ownLeaf }, await moveBo()]);
    expect((await standings([ada, cy], id)).size).toBe(1);
  }
  await forger.append(message);
  const his = await follow(cy, id);
  expect(await textsOf(his)).toEqual([]);
  expect(cy.events.at(-1)).toMatchObject({ kind: "refused", what: "message", rule: "XGC-12" });
  await world.close();
});

/** A key package with the keys of one installation in the name of another's inbox. */
async function unsafeKeyPackage(
  world: World,
  actor: Actor,
  inboxId: string,
): Promise<CreatedKeyPackage & { readonly signer: KeyPair }> {
  const signer = await unsafeSignerOf(world.crypto, actor.store);
  const suite = cipherSuites.get(3);
  if (!suite) throw new Error("suite");
  const now = world.clock.nowNs() / 1_000_000_000n;
  const made = createKeyPackage({
    crypto: world.crypto,
    cipherSuite: suite,
    signer,
    credential: { kind: "basic", identity: MlsCredential.encode({ inboxId }) },
    capabilities: {
      versions: [1],
      cipherSuites: [3],
      extensions: [10, 1, 0xf000, 0xff02, 0xff00, 0xff01, 0xff03, 0xff04],
      proposals: [7],
      credentials: [1],
    },
    lifetime: { notBefore: now - 3600n, notAfter: now + 86_400n },
  });
  return { ...made, signer };
}

test("XMS-04, XIN-08: garbage of every kind in the log stops nobody", async () => {
  const { world, forger, ada, cy, id } = await scene();
  const { message: real } = await forger.commit([]);
  await follow(ada, id);
  await follow(cy, id);
  const spoiled = real.slice();
  spoiled[spoiled.length - 1] = (spoiled.at(-1) as number) ^ 1;
  await forger.append(new Uint8Array(0));
  await forger.append(new Uint8Array([0, 1, 0, 2]));
  await forger.append(new Uint8Array(500).fill(255));
  await forger.append(spoiled, true);
  await forger.append(real.subarray(0, real.length - 7), true);
  const hers = await groupOf(ada, id);
  await hers.sendText("above the noise");
  expect(await textsOf(await follow(cy, id))).toEqual(["above the noise"]);
  expect((await standings([ada, cy], id)).size).toBe(1);
  await world.close();
});

test("XMS-04: payloads that are none are refused; the sender's later messages are read", async () => {
  const { world, forger, ada, cy, id } = await scene();
  await forger.say(new Uint8Array([1, 2, 3]));
  await forger.say(new Uint8Array(0));
  await forger.say(
    PlaintextEnvelope.encode({
      kind: "v1",
      value: { content: new Uint8Array([9, 9, 9]), idempotencyKey: "k" },
    }),
  );
  await forger.say(
    PlaintextEnvelope.encode({
      kind: "v1",
      value: { content: encodeContent(encodeText("readable")), idempotencyKey: "l" },
    }),
  );
  for (const honest of [ada, cy]) {
    const own = await follow(honest, id);
    const messages = (await own.messages()).filter(({ kind }) => kind === 0);
    expect(messages.map(({ content }) => content)).toEqual([undefined, "readable"]);
    const codes = honest.events.flatMap((event) => (event.kind === "refused" ? [event.code] : []));
    expect(codes).toEqual(["client/invalid-payload", "client/invalid-payload"]);
  }
  await world.close();
});

test("A24: a message repeated under a new generation keeps its id and is stored once", async () => {
  const { world, forger, cy, id } = await scene();
  const plaintext = PlaintextEnvelope.encode({
    kind: "v1",
    value: { content: encodeContent(encodeText("again")), idempotencyKey: "same" },
  });
  await forger.say(plaintext);
  await forger.say(plaintext);
  expect(await textsOf(await follow(cy, id))).toEqual(["again"]);
  await world.close();
});
