import type { InboxId } from "@coterie/base";
import { expect, test } from "vitest";
import {
  applyUpdate,
  diff,
  identifiersOf,
  inboxIdOf,
  installationDiff,
  installationsOf,
  type LoggedUpdate,
  memberKey,
  replay,
  canonicalSignatures,
  stateAt,
  verifyUpdate,
} from "../src/index.ts";
import {
  apply,
  contract,
  device,
  eachProvider,
  found,
  legacy,
  passkey,
  refusal,
  sign,
  verdictsFor,
  wallet,
} from "./world.ts";

eachProvider((crypto) => {
  const ada = wallet(crypto, 1);
  const bob = wallet(crypto, 2);
  const phone = device(crypto, 11);
  const laptop = device(crypto, 12);
  const key = passkey(crypto, 21);
  const adaInbox = inboxIdOf(crypto, ada.id);
  const withPhone = () => found(crypto, ada, [{ add: phone.id, by: ada, added: phone }]);

  test("XID-20: create_inbox comes first and once", () => {
    const add = { add: phone.id, by: ada, added: phone };
    const create = { create: ada.id, signer: ada };
    expect(refusal(() => apply(crypto, undefined, sign(adaInbox, [add])))).toBe(
      "identity/not-created XID-20",
    );
    expect(refusal(() => apply(crypto, undefined, sign(adaInbox, [])))).toBe(
      "identity/not-created XID-20",
    );
    expect(refusal(() => apply(crypto, undefined, sign(adaInbox, [create, create])))).toBe(
      "identity/multiple-create XID-20",
    );
    expect(refusal(() => apply(crypto, found(crypto, ada), sign(adaInbox, [create])))).toBe(
      "identity/multiple-create XID-20",
    );
  });

  test("XID-20: one failing action fails the whole update and leaves the state as it was", () => {
    const state = withPhone();
    const before = structuredClone(state);
    const update = sign(adaInbox, [
      { add: laptop.id, by: ada, added: laptop },
      { revoke: phone.id, by: bob },
    ]);
    expect(refusal(() => apply(crypto, state, update))).toBe(
      "identity/missing-existing-member XID-28",
    );
    expect(state).toEqual(before);
  });

  test("XID-21: the creator is the only member and the recovery identifier", () => {
    const state = found(crypto, ada);
    expect(state.inboxId).toBe(adaInbox);
    expect([...state.members.values()]).toEqual([{ id: ada.id }]);
    expect(state.recovery).toEqual(ada.id);
  });

  test("XID-21: nobody creates an inbox of somebody else", () => {
    const update = sign(adaInbox, [{ create: ada.id, signer: bob }]);
    expect(refusal(() => apply(crypto, undefined, update))).toBe(
      "identity/missing-existing-member XID-21",
    );
    const byPhone = sign(adaInbox, [{ create: ada.id, signer: phone }]);
    expect(refusal(() => apply(crypto, undefined, byPhone))).toBe(
      "identity/missing-existing-member XID-21",
    );
  });

  test("XID-21: a legacy signature creates the inbox of nonce 0 and no other", () => {
    const old = legacy(crypto, 1, 31);
    const state = found(crypto, old, [], 0n);
    expect(state.inboxId).toBe(inboxIdOf(crypto, ada.id, 0n));
    expect(refusal(() => found(crypto, old, [], 1n))).toBe(
      "identity/legacy-signature-reuse XID-21",
    );
  });

  test("XID-21, XID-13: a passkey creates an inbox; its two forms are two inboxes", () => {
    const state = found(crypto, key);
    expect(state.inboxId).toBe(inboxIdOf(crypto, key.id));
    expect(found(crypto, passkey(crypto, 21, { compressed: true })).inboxId).not.toBe(
      state.inboxId,
    );
  });

  test("XID-22: the update names the inbox that it makes", () => {
    const wrong = inboxIdOf(crypto, bob.id);
    expect(
      refusal(() => apply(crypto, undefined, sign(wrong, [{ create: ada.id, signer: ada }]))),
    ).toBe("identity/wrong-inbox-id XID-22");
    const add = sign(wrong, [{ add: phone.id, by: ada, added: phone }]);
    expect(refusal(() => apply(crypto, found(crypto, ada), add))).toBe(
      "identity/wrong-inbox-id XID-22",
    );
  });

  test("XID-23, XID-27: a member adds a member, who is kept with its sponsor and time", () => {
    const update = sign(adaInbox, [{ add: bob.id, by: phone, added: bob }]);
    const state = apply(crypto, withPhone(), update);
    expect(state.members.get(memberKey(bob.id))).toEqual({
      id: bob.id,
      addedBy: phone.id,
      clientTimestampNs: update.clientTimestampNs,
    });
    expect(identifiersOf(state)).toEqual([ada.id, bob.id]);
  });

  test("XID-23: the new member signs for itself", () => {
    const forged = sign(adaInbox, [{ add: phone.id, by: ada, added: laptop }]);
    expect(refusal(() => apply(crypto, found(crypto, ada), forged))).toBe(
      "identity/new-member-mismatch XID-23",
    );
  });

  test("XID-23: nobody adds itself", () => {
    const self = sign(adaInbox, [{ add: ada.id, by: ada, added: ada }]);
    expect(refusal(() => apply(crypto, found(crypto, ada), self))).toBe("identity/self-add XID-23");
  });

  test("XID-23: a stranger adds nobody", () => {
    const update = sign(adaInbox, [{ add: phone.id, by: bob, added: phone }]);
    expect(refusal(() => apply(crypto, found(crypto, ada), update))).toBe(
      "identity/missing-existing-member XID-23",
    );
  });

  test("XID-23: the recovery identifier adds members even when it is none", () => {
    const state = apply(crypto, found(crypto, ada), sign(adaInbox, [{ revoke: ada.id, by: ada }]));
    expect(state.members.size).toBe(0);
    const next = apply(crypto, state, sign(adaInbox, [{ add: phone.id, by: ada, added: phone }]));
    expect(next.members.get(memberKey(phone.id))?.addedBy).toEqual(ada.id);
  });

  test("XID-23: but not with a legacy signature", () => {
    const old = legacy(crypto, 1, 31);
    const inboxId = inboxIdOf(crypto, ada.id, 0n);
    let state = found(crypto, ada, [], 0n);
    state = apply(crypto, state, sign(inboxId, [{ revoke: ada.id, by: ada }]));
    const update = sign(inboxId, [{ add: phone.id, by: old, added: phone }]);
    expect(refusal(() => apply(crypto, state, update))).toBe(
      "identity/legacy-signature-reuse XID-23",
    );
  });

  test("XID-24: an installation adds wallets and passkeys, but no installation", () => {
    const state = withPhone();
    const update = sign(adaInbox, [{ add: laptop.id, by: phone, added: laptop }]);
    expect(refusal(() => apply(crypto, state, update))).toBe("identity/member-not-allowed XID-24");
    const next = apply(crypto, state, sign(adaInbox, [{ add: key.id, by: phone, added: key }]));
    const last = apply(crypto, next, sign(adaInbox, [{ add: laptop.id, by: key, added: laptop }]));
    expect(installationsOf(last)).toHaveLength(2);
  });

  test("XID-25: a legacy signature adds in its own nonce-0 inbox alone", () => {
    const old = legacy(crypto, 1, 31);
    const add = { add: phone.id, by: old, added: phone };
    const state = found(crypto, ada, [], 0n);
    expect(installationsOf(apply(crypto, state, sign(state.inboxId, [add])))).toHaveLength(1);
    expect(refusal(() => apply(crypto, found(crypto, ada), sign(adaInbox, [add])))).toBe(
      "identity/legacy-signature-reuse XID-25",
    );
    const bobs = found(crypto, bob, [], 0n);
    const added = sign(bobs.inboxId, [{ add: ada.id, by: bob, added: old }]);
    expect(installationsOf(apply(crypto, bobs, added))).toEqual([]);
    const elsewhere = found(crypto, bob);
    const refused = sign(elsewhere.inboxId, [{ add: ada.id, by: bob, added: old }]);
    expect(refusal(() => apply(crypto, elsewhere, refused))).toBe(
      "identity/legacy-signature-reuse XID-25",
    );
  });

  test("XID-26: a contract wallet stays on the chain it was added on", () => {
    const safe = contract(0x51, 1n);
    const state = found(crypto, safe);
    expect(state.members.get(memberKey(safe.id))?.addedOnChainId).toBe(1n);
    const add = (by: typeof safe) => sign(state.inboxId, [{ add: phone.id, by, added: phone }]);
    expect(installationsOf(apply(crypto, state, add(contract(0x51, 1n, 1))))).toHaveLength(1);
    const mismatch = "identity/chain-id-mismatch XID-26";
    expect(refusal(() => apply(crypto, state, add(contract(0x51, 5n))))).toBe(mismatch);
    const elsewhere = contract(0x51, 5n);
    const revoke = sign(state.inboxId, [{ revoke: safe.id, by: elsewhere }]);
    expect(refusal(() => apply(crypto, state, revoke))).toBe(mismatch);
    const change = sign(state.inboxId, [{ recovery: bob.id, by: elsewhere }]);
    expect(refusal(() => apply(crypto, state, change))).toBe(mismatch);
    // Absent is not a chain: the same address as a plain wallet does not speak for the contract.
    const plain = found(crypto, ada);
    const asContract = { ...contract(1, 1n), id: ada.id };
    const { address } = ada.id as { address: string };
    const forged = sign(adaInbox, [
      {
        revoke: ada.id,
        by: {
          ...asContract,
          sign: () => ({
            kind: "erc6492",
            value: {
              accountId: `eip155:1:${address}`,
              blockNumber: 7n,
              signature: Uint8Array.of(1),
            },
          }),
        },
      },
    ]);
    expect(refusal(() => apply(crypto, plain, forged))).toBe(mismatch);
  });

  test("XID-27: adding a present member overwrites it", () => {
    const state = apply(
      crypto,
      withPhone(),
      sign(adaInbox, [{ add: bob.id, by: ada, added: bob }]),
    );
    const update = sign(adaInbox, [{ add: phone.id, by: bob, added: phone }]);
    const next = apply(crypto, state, update);
    expect(next.members.get(memberKey(phone.id))).toMatchObject({
      addedBy: bob.id,
      clientTimestampNs: update.clientTimestampNs,
    });
    expect(next.members.size).toBe(state.members.size);
  });

  test("XID-28: revoking an identifier takes the installations it added, and those alone", () => {
    let state = withPhone();
    state = apply(crypto, state, sign(adaInbox, [{ add: bob.id, by: ada, added: bob }]));
    state = apply(crypto, state, sign(adaInbox, [{ add: laptop.id, by: bob, added: laptop }]));
    state = apply(crypto, state, sign(adaInbox, [{ add: key.id, by: bob, added: key }]));
    const next = apply(crypto, state, sign(adaInbox, [{ revoke: bob.id, by: ada }]));
    expect([...next.members.keys()]).toEqual([ada, phone, key].map(({ id }) => memberKey(id)));
  });

  test("XID-28: only the recovery identifier revokes, an unknown member is no error", () => {
    const state = withPhone();
    for (const by of [bob, phone]) {
      const update = sign(adaInbox, [{ revoke: phone.id, by }]);
      expect(refusal(() => apply(crypto, state, update))).toBe(
        "identity/missing-existing-member XID-28",
      );
    }
    const next = apply(crypto, state, sign(adaInbox, [{ revoke: laptop.id, by: ada }]));
    expect([...next.members.keys()]).toEqual([...state.members.keys()]);
  });

  test("XID-28, XID-29: a legacy signature neither revokes nor hands over", () => {
    const old = legacy(crypto, 1, 31);
    const state = found(crypto, ada, [], 0n);
    expect(
      refusal(() => apply(crypto, state, sign(state.inboxId, [{ revoke: ada.id, by: old }]))),
    ).toBe("identity/signature-not-allowed XID-28");
    expect(
      refusal(() => apply(crypto, state, sign(state.inboxId, [{ recovery: bob.id, by: old }]))),
    ).toBe("identity/signature-not-allowed XID-29");
  });

  test("XID-29: the new recovery identifier takes over without being a member", () => {
    const state = apply(crypto, withPhone(), sign(adaInbox, [{ recovery: bob.id, by: ada }]));
    expect(state.recovery).toEqual(bob.id);
    expect(state.members.has(memberKey(bob.id))).toBe(false);
    const refused = sign(adaInbox, [{ revoke: phone.id, by: ada }]);
    expect(refusal(() => apply(crypto, state, refused))).toBe(
      "identity/missing-existing-member XID-28",
    );
    const next = apply(crypto, state, sign(adaInbox, [{ revoke: ada.id, by: bob }]));
    expect(next.members.size).toBe(0);
    const forged = sign(adaInbox, [{ recovery: ada.id, by: ada }]);
    expect(refusal(() => apply(crypto, next, forged))).toBe(
      "identity/missing-existing-member XID-29",
    );
  });

  test("XID-29: within one update the new recovery identifier counts at once", () => {
    const update = sign(adaInbox, [
      { recovery: bob.id, by: ada },
      { revoke: phone.id, by: bob },
    ]);
    expect(installationsOf(apply(crypto, withPhone(), update))).toEqual([]);
  });

  test("XID-30: a signature is good for one update; its slots may share it", () => {
    const update = sign(adaInbox, [
      { add: phone.id, by: ada, added: phone },
      { add: laptop.id, by: ada, added: laptop },
    ]);
    const state = apply(crypto, found(crypto, ada), update);
    expect(installationsOf(state)).toHaveLength(2);
    expect(refusal(() => apply(crypto, state, update))).toBe("identity/replay XID-30");
    const revoke = sign(adaInbox, [{ revoke: laptop.id, by: ada }]);
    const revoked = apply(crypto, state, revoke);
    expect(refusal(() => apply(crypto, revoked, update))).toBe("identity/replay XID-30");
    expect(refusal(() => apply(crypto, revoked, revoke))).toBe("identity/replay XID-30");
    const change = sign(adaInbox, [{ recovery: ada.id, by: ada }]);
    const changed = apply(crypto, revoked, change);
    expect(refusal(() => apply(crypto, changed, change))).toBe("identity/replay XID-30");
  });

  test("XID-30: a node sees a signature again in another encoding, which logs accept", () => {
    const verify = (update: ReturnType<typeof sign>) => verifyUpdate({ crypto }, update);
    const first = sign(adaInbox, [{ create: ada.id, signer: ada }]);
    const add = sign(adaInbox, [{ add: key.id, by: ada, added: key }]);
    const log = [verify(first), verify(add)];
    const again = structuredClone(add);
    for (const action of again.actions) {
      if (action.kind !== "add" || action.existing.kind !== "erc191") throw new Error("kind");
      const { bytes } = action.existing.value;
      bytes[64] = (bytes[64] as number) - 27;
    }
    const verified = verify(again);
    const [first191, added] = log.map(canonicalSignatures);
    const repeated = canonicalSignatures(verified);
    expect(added?.some((one) => first191?.includes(one))).toBe(false);
    expect(repeated).toEqual(added);
  });

  const log = (...updates: ReturnType<typeof sign>[]): LoggedUpdate[] =>
    updates.map((update, index) => ({
      sequenceId: BigInt(10 * (index + 1)),
      update: verifyUpdate({ crypto, contracts: verdictsFor(crypto, update) }, update),
    }));
  const history = log(
    sign(adaInbox, [{ create: ada.id, signer: ada }]),
    sign(adaInbox, [{ add: phone.id, by: ada, added: phone }]),
    sign(adaInbox, [{ add: laptop.id, by: ada, added: laptop }]),
    sign(adaInbox, [{ revoke: phone.id, by: ada }]),
  );

  test("XID-31: a state exists at the exact ids of the log and nowhere else", () => {
    expect(installationsOf(stateAt(crypto, history, 30n))).toHaveLength(2);
    expect(installationsOf(stateAt(crypto, history, 40n))).toEqual([
      installationsOf(stateAt(crypto, history, 30n))[1],
    ]);
    for (const id of [0n, 5n, 31n, 41n, 2n ** 64n - 1n]) {
      expect(refusal(() => stateAt(crypto, history, id))).toBe(
        "identity/missing-identity-update XID-31",
      );
    }
    expect(refusal(() => stateAt(crypto, [], 0n))).toBe("identity/missing-identity-update XID-31");
  });

  test("XID-32: a difference names members that came and went; from nothing, all of them", () => {
    const [one, three, four] = [10n, 30n, 40n].map((id) => stateAt(crypto, history, id));
    if (!one || !three || !four) throw new Error("states");
    expect(diff(one, three)).toEqual({ added: [phone.id, laptop.id], removed: [] });
    expect(diff(three, four)).toEqual({ added: [], removed: [phone.id] });
    expect(diff(undefined, four)).toEqual({ added: [ada.id, laptop.id], removed: [] });
    expect(installationDiff(diff(undefined, four))).toEqual({
      added: installationsOf(four),
      removed: [],
    });
    expect(diff(four, four)).toEqual({ added: [], removed: [] });
  });

  test("replaying prefix and rest is replaying the whole", () => {
    const whole = replay(crypto, history);
    for (let cut = 0; cut <= history.length; cut++) {
      const prefix = replay(crypto, history.slice(0, cut));
      expect(replay(crypto, history.slice(cut), prefix)).toEqual(whole);
    }
    expect(replay(crypto, [])).toBeUndefined();
  });

  test("XID-15: kinds of signatures belong to kinds of members", () => {
    const state = withPhone();
    const twice = applyUpdate(crypto, state, {
      ...verifyUpdate({ crypto }, sign(adaInbox, [{ add: bob.id, by: ada, added: bob }])),
    });
    expect(twice.members.size).toBe(3);
    const update = verifyUpdate(
      { crypto },
      sign(adaInbox, [{ add: bob.id, by: phone, added: bob }]),
    );
    const forged = structuredClone(update) as typeof update;
    for (const action of forged.actions) {
      if (action.kind === "add") Object.assign(action.added, { kind: "installation-key" });
    }
    expect(refusal(() => applyUpdate(crypto, state, forged))).toBe(
      "identity/signature-not-allowed XID-15",
    );
    for (const action of forged.actions) {
      if (action.kind !== "add") continue;
      Object.assign(action.added, { kind: "erc191" });
      Object.assign(action.existing, { kind: "passkey" });
    }
    expect(refusal(() => applyUpdate(crypto, state, forged))).toBe(
      "identity/signature-not-allowed XID-15",
    );
  });

  test("an inbox id is text of the update, compared and never trusted", () => {
    const update = sign("" as InboxId, [{ create: ada.id, signer: ada }]);
    expect(refusal(() => apply(crypto, undefined, update))).toBe("identity/wrong-inbox-id XID-22");
  });
});
