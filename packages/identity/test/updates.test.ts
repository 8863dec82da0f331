import { IdentityUpdate, type Signature, WireError } from "@coterie/wire";
import type { InboxId, InstallationId } from "@coterie/base";
import { expect, test } from "vitest";
import {
  applyUpdate,
  beginUpdate,
  checkCanonical,
  collectSignature,
  completeUpdate,
  decodeState,
  encodeState,
  identifiersOf,
  IdentityError,
  inboxIdOf,
  installationsOf,
  memberKey,
  parseUpdate,
  planAddAccount,
  planChangeRecovery,
  planRegistration,
  planRevoke,
  planRevokeAllOtherInstallations,
  type PlannedAction,
  type ScwSigner,
  toPublicIdentifier,
  updateToWire,
  verifyUpdate,
} from "../src/index.ts";
import {
  apply,
  build,
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
  const adaInbox = inboxIdOf(crypto, ada.id);
  const idOf = (actor: typeof phone) => (actor.id as { id: InstallationId }).id;
  const plan = (known?: ReturnType<typeof found>, actor = phone) =>
    planRegistration({ crypto, identifier: ada.id, installation: idOf(actor), known });
  const withPhone = () => found(crypto, ada, [{ add: phone.id, by: ada, added: phone }]);

  test("XID-40: an unknown identifier founds an inbox, a known one joins its own", () => {
    const first = plan();
    if (first.kind !== "create") throw new Error(first.kind);
    expect(first.inboxId).toBe(adaInbox);
    const state = apply(
      crypto,
      undefined,
      build(crypto, adaInbox, first.actions, [ada, phone]).update,
    );
    const second = plan(state, laptop);
    if (second.kind !== "join") throw new Error(second.kind);
    expect(second.actions).toHaveLength(1);
    const next = apply(
      crypto,
      state,
      build(crypto, adaInbox, second.actions, [ada, laptop]).update,
    );
    expect(installationsOf(next)).toEqual([idOf(phone), idOf(laptop)]);
    expect(plan(next, laptop)).toEqual({ kind: "registered", inboxId: adaInbox });
  });

  test("XID-40: the store's inbox must be the identifier's", () => {
    const act = () =>
      planRegistration({
        crypto,
        identifier: ada.id,
        installation: idOf(phone),
        expected: inboxIdOf(crypto, bob.id),
      });
    expect(refusal(act)).toBe("identity/inbox-mismatch XID-40");
    const expected = adaInbox;
    expect(
      planRegistration({ crypto, identifier: ada.id, installation: idOf(phone), expected }).kind,
    ).toBe("create");
  });

  test("XID-33: an eleventh installation is not registered, a state that has it still stands", () => {
    const devices = Array.from({ length: 11 }, (_, n) => device(crypto, 100 + n));
    const drafts = devices.map((d) => ({ add: d.id, by: ada, added: d }));
    const ten = found(crypto, ada, drafts.slice(0, 10));
    expect(refusal(() => plan(ten))).toBe("identity/too-many-installations XID-33");
    expect(plan(found(crypto, ada, drafts.slice(0, 9))).kind).toBe("join");
    expect(installationsOf(apply(crypto, ten, sign(adaInbox, drafts.slice(10))))).toHaveLength(11);
    expect(installationsOf(found(crypto, ada, drafts))).toHaveLength(11);
  });

  test("XID-42: another account comes in by the installation; moving it needs consent", () => {
    const state = withPhone();
    const base = { inboxId: adaInbox, identifier: bob.id, installation: idOf(phone) };
    const actions = planAddAccount(base);
    const next = apply(crypto, state, build(crypto, adaInbox, actions, [phone, bob]).update);
    expect(identifiersOf(next)).toEqual([ada.id, bob.id]);
    const holder = inboxIdOf(crypto, bob.id);
    expect(refusal(() => planAddAccount({ ...base, holder }))).toBe(
      "identity/inbox-reassign XID-42",
    );
    expect(planAddAccount({ ...base, holder, allowInboxReassign: true })).toEqual(actions);
    expect(planAddAccount({ ...base, holder: adaInbox })).toEqual(actions);
  });

  test("XID-43: one update revokes many with one signature of the recovery identifier", () => {
    const state = apply(
      crypto,
      withPhone(),
      sign(adaInbox, [
        { add: laptop.id, by: ada, added: laptop },
        { add: bob.id, by: ada, added: bob },
      ]),
    );
    const actions = planRevoke(state, [laptop.id, bob.id]);
    const { update } = build(crypto, adaInbox, actions, [ada]);
    expect([...apply(crypto, state, update).members.keys()]).toEqual(
      [ada, phone].map(({ id }) => memberKey(id)),
    );
    const others = planRevokeAllOtherInstallations(state, idOf(phone));
    expect(others?.map((action) => action.kind === "revoke" && action.member)).toEqual([laptop.id]);
    expect(planRevokeAllOtherInstallations(withPhone(), idOf(phone))).toBeNull();
  });

  test("XID-29: the recovery identifier hands over by plan", () => {
    const { update } = build(crypto, adaInbox, planChangeRecovery(withPhone(), bob.id), [ada]);
    expect(apply(crypto, withPhone(), update).recovery).toEqual(bob.id);
  });

  test("a builder takes the signatures it needs, each verified, and no other", () => {
    const actions: PlannedAction[] = [{ kind: "add", member: phone.id, by: ada.id }];
    const pending = beginUpdate({ inboxId: adaInbox, clientTimestampNs: 5n, actions });
    const text = pending.signatureText;
    const complete = (...signatures: Signature[]) =>
      completeUpdate({ crypto }, pending, signatures);
    expect(refusal(() => complete(ada.sign(text)))).toMatch("identity/signature-missing");
    expect(refusal(() => complete(ada.sign(text), bob.sign(text)))).toMatch(
      "identity/unexpected-signer",
    );
    expect(refusal(() => complete(ada.sign("another"), phone.sign(text)))).toMatch(
      "identity/unexpected-signer",
    );
    expect(refusal(() => complete(ada.sign(text), phone.sign("another")))).toBe(
      "identity/bad-signature XID-11",
    );
    expect(complete(phone.sign(text), ada.sign(text)).actions).toHaveLength(1);
  });

  test("XID-12: a contract wallet registers; the block that was used is written down", async () => {
    const safe = contract(0x51, 5n);
    const installation = idOf(phone);
    const first = planRegistration({ crypto, identifier: safe.id, installation });
    if (first.kind !== "create") throw new Error(first.kind);
    const pending = beginUpdate({
      inboxId: first.inboxId,
      clientTimestampNs: 5n,
      actions: first.actions,
    });
    const signer: ScwSigner = {
      type: "SCW",
      getIdentifier: () => toPublicIdentifier(safe.id),
      signMessage: () => Uint8Array.of(1, 2, 3),
      getChainId: () => 5n,
    };
    const text = pending.signatureText;
    const blocks: unknown[] = [];
    const verifier = (isValid: boolean) => ({
      verify: async (checks: readonly { blockNumber: bigint | undefined }[]) => {
        blocks.push(...checks.map((check) => check.blockNumber));
        return [{ isValid, blockNumber: 77n }];
      },
    });
    const { signature, contracts } = await collectSignature({
      crypto,
      signer,
      text,
      contracts: verifier(true),
    });
    expect(blocks).toEqual([undefined]);
    expect(signature).toMatchObject({
      value: { accountId: `eip155:5:0x${"51".repeat(20)}`, blockNumber: 77n },
    });
    const wire = completeUpdate({ crypto, contracts }, pending, [signature, phone.sign(text)]);
    const update = parseUpdate(wire);
    const state = applyUpdate(crypto, undefined, verifyUpdate({ crypto, contracts }, update));
    expect(state.members.get(memberKey(safe.id))?.addedOnChainId).toBe(5n);
    await expect(
      collectSignature({ crypto, signer, text, contracts: verifier(false) }),
    ).rejects.toMatchObject({ code: "identity/bad-signature" });
    await expect(collectSignature({ crypto, signer, text })).rejects.toMatchObject({
      code: "identity/contract-check-missing",
    });
  });

  test("updates keep their bytes through parsing and writing", () => {
    const key = passkey(crypto, 21);
    const old = legacy(crypto, 1, 31);
    const update = sign(adaInbox, [
      { create: ada.id, signer: old },
      { add: key.id, by: contract(0x51, 5n), added: key },
      { revoke: phone.id, by: ada },
      { recovery: key.id, by: ada },
    ]);
    const bytes = IdentityUpdate.encode(updateToWire(update));
    expect(IdentityUpdate.encode(updateToWire(parseUpdate(IdentityUpdate.decode(bytes))))).toEqual(
      bytes,
    );
  });

  test("an update that lacks a part is refused", () => {
    const wire = updateToWire(sign(adaInbox, [{ add: phone.id, by: ada, added: phone }]));
    const [action] = wire.actions;
    if (action?.kind !== "add") throw new Error("kind");
    const broken: IdentityUpdate["actions"][number][] = [
      { kind: "unset" },
      { kind: "add", value: { ...action.value, newMemberIdentifier: undefined } },
      { kind: "add", value: { ...action.value, existingMemberSignature: undefined } },
      { kind: "add", value: { ...action.value, newMemberSignature: { kind: "unset" } } },
      { kind: "revoke", value: {} },
    ];
    for (const bad of broken) {
      expect(refusal(() => parseUpdate({ ...wire, actions: [bad] }))).toMatch(
        "identity/bad-update",
      );
    }
  });

  test("XID-02: logs hold addresses in any form, which no signature matches; nodes refuse to store them", () => {
    const upper = { kind: "ethereum", address: `0x${"AB".repeat(20)}` } as const;
    const update = sign(adaInbox, [{ revoke: upper, by: ada }]);
    expect(apply(crypto, withPhone(), update).members.size).toBe(2);
    expect(refusal(() => checkCanonical(update))).toBe("identity/not-canonical XID-02");
    const odd = sign(adaInbox, [
      { revoke: { kind: "installation", id: "00" as InstallationId }, by: ada },
    ]);
    expect(refusal(() => checkCanonical(odd))).toBe("identity/not-canonical XID-11");
    checkCanonical(
      sign(adaInbox, [
        { revoke: phone.id, by: ada },
        { recovery: bob.id, by: ada },
      ]),
    );
    const mixedCreate = sign(adaInbox, [
      {
        create: {
          kind: "ethereum",
          address: (ada.id as { address: string }).address.toUpperCase(),
        },
        signer: ada,
      },
    ]);
    expect(refusal(() => apply(crypto, undefined, mixedCreate))).toBe(
      "identity/missing-existing-member XID-21",
    );
  });

  test("XID-45: a state is stored and read back", () => {
    const safe = contract(0x51, 5n);
    const key = passkey(crypto, 21);
    const state = found(crypto, key, [
      { add: safe.id, by: key, added: safe },
      { add: phone.id, by: safe, added: phone },
      { recovery: bob.id, by: key },
    ]);
    expect(decodeState(encodeState(state))).toEqual(state);
    expect(refusal(() => decodeState(Uint8Array.of(0xff)))).toMatch("identity/bad-state");
    expect(refusal(() => decodeState(encodeState(state).subarray(0, 90)))).toMatch(
      "identity/bad-state",
    );
  });

  test("mutated updates are refused or read, never anything else", () => {
    const update = sign(adaInbox, [
      { create: ada.id, signer: ada },
      { add: phone.id, by: ada, added: phone },
      { add: passkey(crypto, 21).id, by: phone, added: passkey(crypto, 21) },
      { add: bob.id, by: legacy(crypto, 1, 31), added: contract(0x51, 5n) },
    ]);
    const bytes = IdentityUpdate.encode(updateToWire(update));
    let state = 7;
    const random = () => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff) >>> 8;
    let accepted = 0;
    for (let round = 0; round < 1000; round++) {
      const mutated = Uint8Array.from(bytes);
      mutated[random() % bytes.length] = random() % 256;
      try {
        const parsed = parseUpdate(IdentityUpdate.decode(mutated));
        // Recovering wallets takes milliseconds each.
        if (round % 25 !== 0) continue;
        verifyUpdate({ crypto, contracts: verdictsFor(crypto, parsed) }, parsed);
        accepted++;
      } catch (error) {
        if (!(error instanceof IdentityError) && !(error instanceof WireError)) throw error;
      }
    }
    // Whatever verifies over changed text names other signers.
    expect(accepted).toBeLessThan(40);
  });

  test("signers name inboxes of their own only", () => {
    const theirs = inboxIdOf(crypto, bob.id) as InboxId;
    expect(
      refusal(() => apply(crypto, undefined, sign(theirs, [{ create: bob.id, signer: ada }]))),
    ).toBe("identity/missing-existing-member XID-21");
  });
});
