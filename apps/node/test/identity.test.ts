import { expect, test } from "vitest";
import { eip191Sign, ethereumAddress } from "@coterie/crypto";
import { nobleProvider as crypto } from "@coterie/crypto/noble";
import {
  applyUpdate,
  beginUpdate,
  completeUpdate,
  createInstallation,
  ethereumIdentifier,
  installationMember,
  memberKey,
  parseUpdate,
  planRegistration,
  replay,
  signIdentityText,
  verifyUpdate,
} from "@coterie/identity";
import type {
  Identifier,
  Installation,
  MemberId,
  PlannedAction,
  SmartContractVerifier,
} from "@coterie/identity";
import type { InboxId } from "@coterie/base";
import { Status } from "@coterie/transport";
import type { Transport } from "@coterie/transport";
import {
  GetIdentityUpdatesRequest,
  GetIdentityUpdatesResponse,
  GetInboxIdsRequest,
  GetInboxIdsResponse,
  IdentifierKind,
  paths,
  PublishIdentityUpdateRequest,
  VerifySmartContractWalletSignaturesRequest,
  VerifySmartContractWalletSignaturesResponse,
} from "@coterie/wire";
import type { IdentityUpdate } from "@coterie/wire";
import { createMemoryTransport } from "@coterie/transport";
import { createNode, openMemoryLog } from "../src/index.ts";
import { bytes, clock, none, world } from "./world.ts";

const { identity } = paths;
const refused = { status: Status.invalidArgument };

interface Wallet {
  readonly key: Uint8Array;
  readonly identifier: Identifier & { readonly kind: "ethereum" };
}

function wallet(seed: number): Wallet {
  const key = new Uint8Array(32).fill(seed);
  const address = ethereumAddress(crypto, crypto.secp256k1PublicKey(key));
  return { key, identifier: ethereumIdentifier(address) as Wallet["identifier"] };
}

let now = 1_700_000_000_000_000_000n;
function signed(
  inboxId: string,
  actions: readonly PlannedAction[],
  wallets: readonly Wallet[],
  installations: readonly Installation[] = [],
): IdentityUpdate {
  now += 1_000_000_000n;
  const pending = beginUpdate({ inboxId, clientTimestampNs: now, actions });
  return completeUpdate({ crypto }, pending, [
    ...wallets.map(
      ({ key }) =>
        ({
          kind: "erc191",
          value: { bytes: eip191Sign(crypto, key, pending.signatureText) },
        }) as const,
    ),
    ...installations.map((one) => signIdentityText(crypto, one, pending.signatureText)),
  ]);
}

/** A person with an inbox of one wallet and one installation, and the update that makes it. */
function person(seed: number) {
  const owner = wallet(seed);
  const installation = createInstallation(crypto);
  const plan = planRegistration({
    crypto,
    identifier: owner.identifier,
    installation: installation.id,
  });
  if (plan.kind === "registered") throw new Error("new");
  const update = signed(plan.inboxId, plan.actions, [owner], [installation]);
  return { owner, installation, inboxId: plan.inboxId, update };
}

const publish = (client: Transport, identityUpdate: IdentityUpdate | undefined) =>
  client.unary(
    identity.publishIdentityUpdate,
    PublishIdentityUpdateRequest.encode({ identityUpdate }),
  );

async function logOf(client: Transport, inboxId: string, sequenceId = 0n) {
  const request = GetIdentityUpdatesRequest.encode({ requests: [{ inboxId, sequenceId }] });
  const answer = await client.unary(identity.getIdentityUpdates, request);
  return GetIdentityUpdatesResponse.decode(answer).responses[0]?.updates ?? [];
}

async function inboxOf(client: Transport, ...identifiers: readonly string[]) {
  const request = GetInboxIdsRequest.encode({
    requests: identifiers.map((identifier) => ({ identifier, identifierKind: 1 })),
  });
  const answer = await client.unary(identity.getInboxIds, request);
  return GetInboxIdsResponse.decode(answer).responses.map(({ inboxId }) => inboxId);
}

test("XND-22: a registration is judged, stored, and answered as it was sent", async () => {
  const { client } = world();
  const ada = person(1);
  await publish(client, ada.update);
  const [entry] = await logOf(client, ada.inboxId);
  expect(entry?.update).toEqual(ada.update);
  expect(entry?.sequenceId).toBe(1n);
  expect(await inboxOf(client, ada.owner.identifier.address)).toEqual([ada.inboxId]);
});

test("XND-20: one answer per request, in order, identifier and kind as they came", async () => {
  const { client } = world();
  const [ada, bob] = [person(1), person(2)];
  await publish(client, ada.update);
  await publish(client, bob.update);
  const shouted = ada.owner.identifier.address.toUpperCase().replace("0X", "0x");
  const requests = [
    { identifier: bob.owner.identifier.address, identifierKind: IdentifierKind.ethereum },
    { identifier: "0xnobody", identifierKind: IdentifierKind.ethereum },
    { identifier: shouted, identifierKind: IdentifierKind.unspecified },
    { identifier: ada.owner.identifier.address, identifierKind: IdentifierKind.passkey },
    { identifier: ada.owner.identifier.address, identifierKind: 77 },
  ];
  const answer = await client.unary(identity.getInboxIds, GetInboxIdsRequest.encode({ requests }));
  const { responses } = GetInboxIdsResponse.decode(answer);
  const echoed = responses.map(({ identifier, identifierKind }) => ({
    identifier,
    identifierKind,
  }));
  expect(echoed).toEqual(requests);
  expect(responses.map(({ inboxId }) => inboxId)).toEqual([
    bob.inboxId,
    undefined,
    ada.inboxId,
    undefined,
    undefined,
  ]);
});

test("XND-20: an identifier follows its newest association, and goes back when that is revoked", async () => {
  const { client } = world();
  const [ada, bob] = [person(1), person(2)];
  await publish(client, ada.update);
  await publish(client, bob.update);
  const shared = ada.owner;
  const add: PlannedAction = {
    kind: "add",
    member: shared.identifier,
    by: installationMember(bob.installation.id),
  };
  await publish(client, signed(bob.inboxId, [add], [shared], [bob.installation]));
  expect(await inboxOf(client, shared.identifier.address)).toEqual([bob.inboxId]);
  const revoke: PlannedAction = {
    kind: "revoke",
    member: shared.identifier,
    by: bob.owner.identifier,
  };
  await publish(client, signed(bob.inboxId, [revoke], [bob.owner]));
  expect(await inboxOf(client, shared.identifier.address)).toEqual([ada.inboxId]);
});

test("XND-21: updates after a sequence id, an empty list for unknown inboxes", async () => {
  const { client } = world();
  const ada = person(1);
  await publish(client, ada.update);
  const second = wallet(9);
  const add: PlannedAction = { kind: "add", member: second.identifier, by: ada.owner.identifier };
  await publish(client, signed(ada.inboxId, [add], [ada.owner, second]));
  const all = await logOf(client, ada.inboxId);
  expect(all).toHaveLength(2);
  const [before, after] = all.map(({ serverTimestampNs }) => serverTimestampNs) as [bigint, bigint];
  expect(after > before).toBe(true);
  expect(await logOf(client, ada.inboxId, all[0]?.sequenceId)).toEqual([all[1]]);
  expect(await logOf(client, "00".repeat(32))).toEqual([]);
  const empty = await client.unary(identity.getIdentityUpdates, none);
  expect(GetIdentityUpdatesResponse.decode(empty).responses).toEqual([]);
});

const installation = createInstallation(crypto);
const stranger = wallet(77);
const bad: [string, (ada: ReturnType<typeof person>) => IdentityUpdate | undefined][] = [
  ["no update", () => undefined],
  ["an update without actions", ({ inboxId }) => ({ actions: [], clientTimestampNs: 1n, inboxId })],
  ["a replay of the same update (XID-20)", ({ update }) => update],
  [
    "a revocation by somebody else (XID-28)",
    ({ inboxId, installation: victim }) =>
      signed(
        inboxId,
        [{ kind: "revoke", member: installationMember(victim.id), by: stranger.identifier }],
        [stranger],
      ),
  ],
  [
    "an installation added by a stranger (XID-23)",
    ({ inboxId }) =>
      signed(
        inboxId,
        [{ kind: "add", member: installationMember(installation.id), by: stranger.identifier }],
        [stranger],
        [installation],
      ),
  ],
  [
    "an installation added by an installation (XID-24)",
    ({ inboxId, installation: own }) =>
      signed(
        inboxId,
        [
          {
            kind: "add",
            member: installationMember(installation.id),
            by: installationMember(own.id),
          },
        ],
        [],
        [own, installation],
      ),
  ],
  [
    "an update under another inbox's name (XID-22)",
    () => ({ ...person(5).update, inboxId: "ab".repeat(32) }),
  ],
  [
    "a signature over another text (XID-05)",
    ({ inboxId, owner }) => {
      const add: PlannedAction = {
        kind: "add",
        member: stranger.identifier,
        by: owner.identifier,
      };
      const update = signed(inboxId, [add], [owner, stranger]);
      return { ...update, clientTimestampNs: update.clientTimestampNs + 1_000_000_000n };
    },
  ],
  [
    "more actions than an update may have",
    ({ update }) => ({
      ...update,
      actions: Array.from({ length: 101 }, () => update.actions[0]) as never,
    }),
  ],
];
for (const [what, make] of bad) {
  test(`XND-23: ${what} is INVALID_ARGUMENT and leaves nothing`, async () => {
    const { client } = world();
    const ada = person(1);
    await publish(client, ada.update);
    await expect(publish(client, make(ada))).rejects.toMatchObject(refused);
    expect(await logOf(client, ada.inboxId)).toHaveLength(1);
    expect(
      await inboxOf(client, ada.owner.identifier.address, stranger.identifier.address),
    ).toEqual([ada.inboxId, undefined]);
  });
}

test("XID-30: a wallet's signature in another encoding is not stored again", async () => {
  const { client } = world();
  const ada = person(1);
  await publish(client, ada.update);
  const add: PlannedAction = { kind: "add", member: stranger.identifier, by: ada.owner.identifier };
  const revoke: PlannedAction = {
    kind: "revoke",
    member: stranger.identifier,
    by: ada.owner.identifier,
  };
  const linked = signed(ada.inboxId, [add], [ada.owner, stranger]);
  await publish(client, linked);
  await publish(client, signed(ada.inboxId, [revoke], [ada.owner]));
  const again = structuredClone(linked);
  for (const action of again.actions) {
    if (action.kind !== "add") continue;
    for (const signature of [
      action.value.existingMemberSignature,
      action.value.newMemberSignature,
    ]) {
      // V as 0 or 1 instead of 27 or 28: the same signature to whoever recovers it
      if (signature?.kind === "erc191") signature.value.bytes[64]! -= 27;
    }
  }
  await expect(publish(client, again)).rejects.toMatchObject(refused);
  expect(await logOf(client, ada.inboxId)).toHaveLength(3);
});

test("XND-24: a full log takes no more updates, and says so", async () => {
  const { client } = world({ inboxUpdates: 2 });
  const ada = person(1);
  await publish(client, ada.update);
  const link = (seed: number) => {
    const other = wallet(seed);
    const add: PlannedAction = { kind: "add", member: other.identifier, by: ada.owner.identifier };
    return signed(ada.inboxId, [add], [ada.owner, other]);
  };
  await publish(client, link(10));
  await expect(publish(client, link(11))).rejects.toMatchObject({
    status: Status.failedPrecondition,
    reason: "inbox log is full",
  });
});

test("XND-22: updates that race are judged one after another, each against those before it", async () => {
  const { client } = world();
  const ada = person(1);
  await publish(client, ada.update);
  const others = Array.from({ length: 8 }, (_, at) => wallet(20 + at));
  const link = (other: Wallet) => {
    const add: PlannedAction = { kind: "add", member: other.identifier, by: ada.owner.identifier };
    return signed(ada.inboxId, [add], [ada.owner, other]);
  };
  const revocation = signed(
    ada.inboxId,
    [{ kind: "revoke", member: installationMember(ada.installation.id), by: ada.owner.identifier }],
    [ada.owner],
  );
  const twice = [...others.map(link), revocation, revocation];
  const outcomes = await Promise.allSettled(twice.map((update) => publish(client, update)));
  expect(outcomes.filter(({ status }) => status === "rejected")).toHaveLength(1);
  const log = await logOf(client, ada.inboxId);
  expect(log).toHaveLength(10);
  const state = replay(
    crypto,
    log.map(({ sequenceId, update }) => ({
      sequenceId,
      update: verifyUpdate({ crypto }, parseUpdate(update as IdentityUpdate)),
    })),
  );
  const members: MemberId[] = [ada.owner.identifier, ...others.map(({ identifier }) => identifier)];
  expect([...(state?.members.keys() ?? [])].toSorted()).toEqual(members.map(memberKey).toSorted());
});

test("XID-30: an old word does not come true again as a contract's signature", async () => {
  const contracts: SmartContractVerifier = {
    verify: async (checks) => checks.map(() => ({ isValid: true, blockNumber: 7n })),
  };
  const node = createNode({ log: openMemoryLog({ clock }), clock, contracts });
  const client = createMemoryTransport(node.routes);
  const ada = person(1);
  const [second, third] = [wallet(11), wallet(12)];
  await publish(client, ada.update);
  const move = (from: Wallet, to: Wallet): PlannedAction => ({
    kind: "change-recovery",
    identifier: to.identifier,
    by: from.identifier,
  });
  for (const [from, to] of [
    [ada.owner, second],
    [second, third],
    [third, second],
  ] as const) {
    await publish(client, signed(ada.inboxId, [move(from, to)], [from]));
  }
  // the second one again, to the letter, in a form that says nothing of the key that once signed it
  const [, , old] = await logOf(client, ada.inboxId);
  if (old?.update === undefined) throw new Error("not stored");
  const { clientTimestampNs } = old.update;
  const actions = [move(second, third)];
  const pending = beginUpdate({ inboxId: ada.inboxId, clientTimestampNs, actions });
  const accountId = `eip155:1:${second.identifier.address}`;
  for (const seed of [1, 2]) {
    const value = { accountId, blockNumber: 7n, signature: bytes(seed) };
    const forged = completeUpdate({ crypto, contracts: allValid }, pending, [
      { kind: "erc6492", value },
    ]);
    await expect(publish(client, forged)).rejects.toMatchObject(refused);
  }
  expect(await logOf(client, ada.inboxId)).toHaveLength(4);
});

/** Says yes to whatever a chain would be asked. */
const allValid = { get: () => ({ isValid: true, blockNumber: 7n }) } as never;

test("XND-22: a log that another process moved on is judged again", async () => {
  const log = openMemoryLog({ clock });
  const ada = person(1);
  const other = wallet(10);
  const add: PlannedAction = { kind: "add", member: other.identifier, by: ada.owner.identifier };
  const [first, second] = [world({}, log), world({}, log)];
  await publish(first.client, ada.update);
  const same = signed(ada.inboxId, [add], [ada.owner, other]);
  const outcomes = await Promise.allSettled([
    publish(first.client, same),
    publish(second.client, same),
  ]);
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  expect(await logOf(first.client, ada.inboxId)).toHaveLength(2);
});

const item = {
  accountId: `eip155:1:0x${"ab".repeat(20)}`,
  signature: bytes(1),
  hash: new Uint8Array(32),
};

async function verifyContracts(client: Transport, accountIds: readonly string[]) {
  const signatures = accountIds.map((accountId) => ({ ...item, accountId }));
  const request = VerifySmartContractWalletSignaturesRequest.encode({ signatures });
  const answer = await client.unary(identity.verifySmartContractWalletSignatures, request);
  return VerifySmartContractWalletSignaturesResponse.decode(answer).responses;
}

test("XND-25: without a chain no contract signature is valid, and the answer says why", async () => {
  const { client } = world();
  const [answer] = await verifyContracts(client, [item.accountId]);
  expect(answer).toMatchObject({ isValid: false, error: expect.any(String) });
});

test("XND-25: with chains each item gets its own result", async () => {
  const contracts: SmartContractVerifier = {
    verify: async (checks) => {
      if (checks[0]?.chainId === 5n) throw new Error("chain 5 is down");
      return checks.map(({ chainId }) => ({ isValid: chainId === 1n, blockNumber: 7n }));
    },
  };
  const node = createNode({ log: openMemoryLog({ clock }), clock, contracts });
  const address = `0x${"ab".repeat(20)}`;
  const accounts = [1, 2, 5].map((chain) => `eip155:${chain}:${address}`);
  const answers = await verifyContracts(createMemoryTransport(node.routes), [
    ...accounts,
    "nonsense",
  ]);
  expect(answers.map(({ isValid }) => isValid)).toEqual([true, false, false, false]);
  expect(answers[0]?.blockNumber).toBe(7n);
  expect(answers[2]?.error).toBe("chain 5 is down");
});

test("XID-21: the state that members compute from the node's log is the one that was judged", async () => {
  const { client } = world();
  const ada = person(1);
  await publish(client, ada.update);
  const [entry] = await logOf(client, ada.inboxId);
  const verified = verifyUpdate({ crypto }, parseUpdate(entry?.update as IdentityUpdate));
  const state = applyUpdate(crypto, undefined, verified);
  expect(state.inboxId satisfies InboxId).toBe(ada.inboxId);
});
