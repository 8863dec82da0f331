import { expect, test } from "vitest";
import {
  applySignatureRequest,
  canMessage,
  Client,
  fetchInboxStates,
  fetchLatestInboxUpdatesCount,
  generateInboxId,
  getInboxIdForIdentifier,
  isAddressAuthorized,
  isInstallationAuthorized,
  revokeInstallations,
  revokeInstallationsSignatureRequest,
  verifySignedWithPublicKey,
} from "@coterie/client";
import type { ClientOptions, EngineEvent, PublicIdentifier, Signer } from "@coterie/client";
import { createMemoryTransport } from "@coterie/transport";
import {
  agreeingContracts,
  bareOptions,
  contractAddress,
  createWorld,
  openSafe,
  testPasskey,
  testWallet,
} from "@coterie/testkit";
import type { World } from "@coterie/testkit";

const backendOf = (world: World) => ({
  crypto: world.crypto,
  transport: createMemoryTransport(world.node.routes),
});

/** A client of a passkey: there is no signer, what it signs is brought by hand. */
function passkeyClient(world: World, identifier: PublicIdentifier): Promise<Client> {
  return Client.build(identifier, bareOptions(world));
}

test("XID-11: what an installation signs for the world holds for its key alone", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const signature = ada.client.signWithInstallationKey("hello");
  expect(ada.client.verifySignedWithInstallationKey("hello", signature)).toBe(true);
  expect(ada.client.verifySignedWithInstallationKey("hullo", signature)).toBe(false);
  expect(bo.client.verifySignedWithInstallationKey("hello", signature)).toBe(false);
  const { installationIdBytes } = ada.client;
  expect(verifySignedWithPublicKey(world.crypto, "hello", signature, installationIdBytes)).toBe(
    true,
  );
  await world.close();
});

test("SID-08: who is on SLIM is known by their inbox, as long as it has the installation", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const identity = ada.client.slimIdentity();
  const verifier = bo.client.slimVerifier();
  const judge = async () => {
    await verifier.prepare?.(identity.token());
    return verifier.verify(identity.token());
  };
  expect(await judge()).toMatchObject({
    tokenId: identity.tokenId,
    baseId: ada.client.inboxId,
    publicKey: identity.keys.publicKey,
  });
  const { tokenId, keys } = identity;
  expect(ada.client.slimIdentity({ tokenId, keys }).tokenId).toBe(tokenId);
  expect(ada.client.slimIdentity().tokenId).not.toBe(tokenId);

  const phone = await world.join("ada");
  await phone.client.revokeInstallations([ada.client.installationIdBytes]);
  await world.clock.advance(61_000);
  await expect(judge()).rejects.toMatchObject({ details: { reason: "not-an-installation" } });
  await world.close();
});

test("XID-13, XID-41: a passkey signs wherever a wallet does", async () => {
  const world = createWorld();
  const { signer, identifier } = testPasskey(world.crypto, "ada's key");
  const open = (): Promise<Client> => Client.create(signer, bareOptions(world));
  const ada = await open();
  const phone = await open();
  expect(ada.isRegistered && phone.inboxId === ada.inboxId).toBe(true);
  expect(ada.accountIdentifier).toEqual(identifier);
  await ada.revokeAllOtherInstallations();
  const { installations } = await ada.preferences.fetchInboxState();
  expect(installations.map(({ id }) => id)).toEqual([ada.installationId]);
  // Another passkey's answer is found out before it is sent.
  const other = testPasskey(world.crypto, "bo's key").signer;
  const false_ = { ...other, getIdentifier: () => identifier };
  await expect(Client.create(false_, bareOptions(world))).rejects.toMatchObject({
    code: "identity/bad-signature",
  });
  await Promise.all([ada.close(), phone.close()]);
  await world.close();
});

test.each([false, true])(
  "XID-13, XID-40: a passkey registers, adds a wallet, revokes and hands over (compressed: %s)",
  async (compressed) => {
    const world = createWorld();
    const key = testPasskey(world.crypto, "ada's key", { compressed });
    const ada = await passkeyClient(world, key.identifier);
    expect(ada.inboxId).toBe(generateInboxId(world.crypto, key.identifier));

    const registering = await ada.unsafe_createInboxSignatureRequest();
    if (registering === null) throw new Error("nothing is registered yet");
    expect(registering.missingSigners()).toEqual([key.identifier]);
    const text = await registering.signatureText();
    expect(text).toContain(`(Owner: ${key.identifier.identifier})`);
    await expect(ada.unsafe_applySignatureRequest(registering)).rejects.toMatchObject({
      code: "identity/signature-missing",
    });
    await expect(
      registering.addPasskeySignature(key.assert(`${text} and more`)),
    ).rejects.toMatchObject({ code: "identity/bad-signature", details: { rule: "XID-13" } });
    const other = testPasskey(world.crypto, "ada's key", { compressed: !compressed });
    await expect(registering.addPasskeySignature(other.assert(text))).rejects.toMatchObject({
      code: "identity/unexpected-signer",
    });
    const assertion = key.assert(text);
    // As the bindings take it: arrays of numbers.
    await registering.addPasskeySignature({
      publicKey: [...assertion.publicKey],
      signature: [...assertion.signature],
      authenticatorData: [...assertion.authenticatorData],
      clientDataJson: [...assertion.clientDataJson],
    });
    await ada.unsafe_applySignatureRequest(registering);
    expect(ada.isRegistered).toBe(true);
    expect(await ada.unsafe_createInboxSignatureRequest()).toBeNull();
    expect(await ada.fetchInboxIdByIdentifier(key.identifier)).toBe(ada.inboxId);
    expect(await ada.fetchInboxIdByIdentifier(other.identifier)).toBeNull();

    // A wallet comes in by the installation's signature and its own.
    const wallet = testWallet(world.crypto, "ada's wallet", 1);
    await ada.unsafe_addAccount(wallet);
    const phone = await world.join("ada's phone", { wallet: "ada's wallet" });
    expect(phone.client.inboxId).toBe(ada.inboxId);

    // The wallet is a member, but it is the passkey that revokes.
    await expect(phone.client.revokeInstallations([ada.installationIdBytes])).rejects.toMatchObject(
      { code: "identity/unexpected-signer" },
    );
    const revoking = await ada.unsafe_revokeAllOtherInstallationsSignatureRequest();
    await revoking?.addPasskeySignature(key.assert(await revoking.signatureText()));
    if (revoking) await ada.unsafe_applySignatureRequest(revoking);
    expect(await ada.unsafe_revokeAllOtherInstallationsSignatureRequest()).toBeNull();

    const handing = await ada.unsafe_changeRecoveryIdentifierSignatureRequest(
      await wallet.getIdentifier(),
    );
    await handing.addPasskeySignature(key.assert(await handing.signatureText()));
    await ada.unsafe_applySignatureRequest(handing);
    const removing = await ada.unsafe_removeAccountSignatureRequest(key.identifier);
    expect(await removing.signatureText()).toContain(`(Passkey: ${key.identifier.identifier})`);
    await ada.unsafe_addSignature(removing, wallet);
    await ada.unsafe_applySignatureRequest(removing);
    const state = await ada.preferences.fetchInboxState();
    expect(state.identifiers).toEqual([await wallet.getIdentifier()]);
    expect(state.recoveryIdentifier).toEqual(await wallet.getIdentifier());
    expect(await ada.fetchOwnInboxUpdatesCount()).toBe(6);
    // XID-28: the installation went with the passkey that had added it.
    expect(state.installations).toEqual([]);
    await ada.close();
    await world.close();
  },
);

test.each([false, true])(
  "XID-13, XID-42: a passkey is linked to a wallet's inbox, lets its own device in, and is unlinked with it (compressed: %s)",
  async (compressed) => {
    const world = createWorld();
    const ada = await world.join("ada");
    const key = testPasskey(world.crypto, "ada's key", { compressed });
    const linking = await ada.client.unsafe_addAccountSignatureRequest(key.identifier);
    const text = await linking.signatureText();
    expect(text).toContain(`- Link passkey to inbox\n  (Passkey: ${key.identifier.identifier})`);
    const forged = key.assert(text);
    // Another byte of what the authenticator says of itself.
    const authenticatorData = Uint8Array.from(forged.authenticatorData);
    authenticatorData[36] = 9;
    await expect(
      linking.addPasskeySignature({ ...forged, authenticatorData }),
    ).rejects.toMatchObject({ code: "identity/bad-signature", details: { rule: "XID-13" } });
    await linking.addPasskeySignature(key.assert(text));
    expect(linking.missingSigners()).toEqual([]);
    await ada.client.unsafe_applySignatureRequest(linking);

    const tablet = await passkeyClient(world, key.identifier);
    expect(tablet.inboxId).toBe(ada.client.inboxId);
    const joining = await tablet.unsafe_createInboxSignatureRequest();
    await joining?.addPasskeySignature(key.assert(await joining.signatureText()));
    if (joining) await tablet.unsafe_applySignatureRequest(joining);
    expect(tablet.isRegistered).toBe(true);
    // The passkey is a member; who revokes is still the wallet.
    const revoking = await tablet.unsafe_revokeInstallationsSignatureRequest([
      ada.client.installationIdBytes,
    ]);
    await expect(
      revoking.addPasskeySignature(key.assert(await revoking.signatureText())),
    ).rejects.toMatchObject({ code: "identity/unexpected-signer" });

    await ada.client.removeAccount(key.identifier);
    const state = await ada.client.preferences.fetchInboxState();
    expect(state.identifiers).toEqual([ada.client.accountIdentifier]);
    expect(state.installations.map(({ id }) => id)).toEqual([ada.client.installationId]);
    expect(await ada.client.fetchInboxIdByIdentifier(key.identifier)).toBeNull();
    await tablet.close();
    await world.close();
  },
);

test("XID-42: an identifier of one's own inbox is told as such, one of another needs consent", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  await expect(ada.client.unsafe_addAccount(ada.signer)).rejects.toMatchObject({
    code: "client/account-already-associated",
  });
  await expect(ada.client.unsafe_addAccount(bo.signer)).rejects.toMatchObject({
    code: "identity/inbox-reassign",
  });
  await ada.client.unsafe_addAccount(bo.signer, true);
  expect(await ada.client.fetchInboxIdByIdentifier(bo.client.accountIdentifier)).toBe(
    ada.client.inboxId,
  );
  await world.close();
});

test("XID-05: nobody is asked to sign what does not need them; a request is for its own inbox", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const identifier = await testWallet(world.crypto, "other", 1).getIdentifier();
  const request = await ada.client.unsafe_changeRecoveryIdentifierSignatureRequest(identifier);
  let asked = 0;
  const stranger: Signer = {
    type: "EOA",
    getIdentifier: () => bo.signer.getIdentifier(),
    signMessage: (text) => {
      asked += 1;
      return bo.signer.signMessage(text);
    },
  };
  await expect(ada.client.unsafe_addSignature(request, stranger)).rejects.toMatchObject({
    code: "identity/unexpected-signer",
  });
  expect(asked).toBe(0);
  await ada.client.unsafe_addSignature(request);
  await expect(bo.client.unsafe_applySignatureRequest(request)).rejects.toMatchObject({
    code: "client/inbox-mismatch",
  });
  await ada.client.unsafe_applySignatureRequest(request);
  // XID-30: what was applied once is refused the next time, here already.
  await expect(ada.client.unsafe_applySignatureRequest(request)).rejects.toMatchObject({
    code: "identity/replay",
  });
  await world.close();
});

test("XPU-07: the root changes when an installation leaves, by name or with who admitted it", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const wallet = testWallet(world.crypto, "second", 1);
  let cycled = 0;
  ada.client.onEvent((event: EngineEvent) => {
    if (event.kind === "preferences" && event.changes.some(({ kind }) => kind === "hmac-root")) {
      cycled += 1;
    }
  });
  await ada.client.unsafe_addAccount(wallet);
  await world.join("phone", { wallet: "second" });
  const tablet = await world.join("tablet", { wallet: "ada" });
  const before = cycled;
  await ada.client.removeAccount(await wallet.getIdentifier());
  expect(cycled).toBe(before + 1);
  await ada.client.revokeInstallations([]);
  await ada.client.revokeInstallations([tablet.client.installationIdBytes]);
  expect(cycled).toBe(before + 2);
  expect((await ada.client.preferences.inboxState()).installations.length).toBe(1);
  await world.close();
});

test("XID-43: installations are revoked without a client, by the recovery identifier alone", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const phone = await world.join("phone", { wallet: "ada" });
  const bo = await world.join("bo");
  const backend = backendOf(world);
  const { inboxId } = ada.client;
  const ids = [phone.client.installationIdBytes];
  await expect(revokeInstallations(backend, bo.signer, inboxId, ids)).rejects.toMatchObject({
    code: "client/inbox-mismatch",
    details: { rule: "XID-28" },
  });
  await expect(
    revokeInstallations(backend, ada.signer, "00".repeat(32), ids),
  ).rejects.toMatchObject({ code: "client/not-found" });
  await expect(revokeInstallations(backend, ada.signer, inboxId, [])).rejects.toMatchObject({
    code: "client/bad-argument",
  });
  expect(await isInstallationAuthorized(backend, inboxId, ids[0] as Uint8Array)).toBe(true);
  await revokeInstallations(backend, ada.signer, inboxId, ids);
  expect(await isInstallationAuthorized(backend, inboxId, ids[0] as Uint8Array)).toBe(false);
  const request = await revokeInstallationsSignatureRequest(
    backend,
    ada.client.accountIdentifier,
    inboxId,
    [ada.client.installationIdBytes],
  );
  await request.addEcdsaSignature(await ada.signer.signMessage(await request.signatureText()));
  await applySignatureRequest(backend, request);
  expect((await fetchInboxStates(backend, [inboxId]))[0]?.installations).toEqual([]);
  await backend.transport.close();
  await world.close();
});

test("XND-20, XND-21: who is who is answered without a client", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const backend = backendOf(world);
  const { accountIdentifier: identifier, inboxId } = ada.client;
  const stranger = await testWallet(world.crypto, "stranger", 1).getIdentifier();
  expect(generateInboxId(world.crypto, identifier)).toBe(inboxId);
  expect(generateInboxId(world.crypto, identifier, 0n)).not.toBe(inboxId);
  expect(await getInboxIdForIdentifier(backend, identifier)).toBe(inboxId);
  expect(await getInboxIdForIdentifier(backend, stranger)).toBeNull();
  expect([...(await canMessage(backend, [identifier, stranger])).values()]).toEqual([true, false]);
  expect(await isAddressAuthorized(backend, inboxId, identifier.identifier)).toBe(true);
  expect(await isAddressAuthorized(backend, inboxId, stranger.identifier)).toBe(false);
  await expect(
    isAddressAuthorized(backend, "00".repeat(32), stranger.identifier),
  ).rejects.toMatchObject({ code: "client/not-found" });
  const unknown = "00".repeat(32);
  const states = await fetchInboxStates(backend, [inboxId, unknown, bo.client.inboxId]);
  expect(states.map((state) => state.inboxId)).toEqual([inboxId, bo.client.inboxId]);
  expect(states[0]).toEqual(await ada.client.preferences.fetchInboxState());
  const counts = new Map([
    [inboxId, 1],
    [unknown, 0],
  ]);
  expect(await fetchLatestInboxUpdatesCount(backend, [inboxId, unknown])).toEqual(counts);
  expect(await ada.client.fetchLatestInboxUpdatesCount([inboxId, unknown])).toEqual(counts);
  await backend.transport.close();
  await world.close();
});

test("XID-41: the calls of a registration, in their order; XID-44: what does not fit is never published", async () => {
  const world = createWorld();
  const paths: string[] = [];
  const spy = (): Pick<ClientOptions, "transport"> => {
    const transport = createMemoryTransport(world.node.routes);
    const unary: typeof transport.unary = (path, ...rest) => {
      paths.push(path.slice(path.lastIndexOf("/") + 1));
      return transport.unary(path, ...rest);
    };
    return { transport: { ...transport, unary } };
  };
  const signer = testWallet(world.crypto, "ada", 1);
  const ada = await Client.create(signer, { ...bareOptions(world), ...spy() });
  expect(paths).toEqual([
    "GetInboxIds",
    "GetInboxIds",
    "UploadKeyPackage",
    "PublishIdentityUpdate",
    "GetIdentityUpdates",
  ]);
  paths.length = 0;
  const phone = await Client.create(signer, { ...bareOptions(world), ...spy() });
  expect(paths.slice(2)).toEqual([
    "GetIdentityUpdates",
    "UploadKeyPackage",
    "PublishIdentityUpdate",
    "GetIdentityUpdates",
  ]);
  // Two heirs are named at once; the second of them is too late.
  const heirs = await Promise.all(
    ["one", "two"].map((name) => testWallet(world.crypto, name, 1).getIdentifier()),
  );
  const [first, second] = await Promise.all(
    heirs.map((heir) => ada.unsafe_changeRecoveryIdentifierSignatureRequest(heir)),
  );
  if (!first || !second) throw new Error("two requests");
  await ada.unsafe_addSignature(first);
  await ada.unsafe_addSignature(second);
  await ada.unsafe_applySignatureRequest(first);
  paths.length = 0;
  await expect(ada.unsafe_applySignatureRequest(second)).rejects.toMatchObject({
    code: "identity/missing-existing-member",
    details: { rule: "XID-29" },
  });
  expect(paths).not.toContain("PublishIdentityUpdate");
  await ada.close();
  await phone.close();
  await world.close();
});

test("XID-12: a contract wallet founds an inbox and joins it again, through the node", async () => {
  const world = createWorld({ contracts: agreeingContracts });
  const safe = await openSafe(world);
  const second = await openSafe(world);
  expect(safe.isRegistered).toBe(true);
  expect(second.inboxId).toBe(safe.inboxId);
  await safe.revokeAllOtherInstallations();
  const state = await safe.preferences.fetchInboxState();
  expect(state.installations.map(({ id }) => id)).toEqual([safe.installationId]);
  const backend = backendOf(world);
  expect(await isAddressAuthorized(backend, safe.inboxId, contractAddress)).toBe(true);
  await safe.close();
  await second.close();
  await world.close();

  const bare = createWorld();
  await expect(openSafe(bare)).rejects.toMatchObject({
    code: "identity/contract-check-missing",
    details: { rule: "XID-12", reason: "no chain is configured" },
  });
  await bare.close();
});

test("XID-12: while a chain is silent its wallets stay who they were and nobody else waits; no log is given up for it", async () => {
  const world = createWorld({ contracts: agreeingContracts });
  let up = true;
  const ada = await world.join("ada", {
    contracts: {
      async verify(checks) {
        if (!up) throw new Error("silent");
        return agreeingContracts.verify(checks);
      },
    },
  });
  const cy = await world.join("cy");
  const safe = await openSafe(world);
  const group = await ada.client.conversations.createGroup([safe.inboxId]);
  const second = await openSafe(world);
  const stranger = await openSafe(world, `0x${"c1".repeat(20)}`);
  up = false;
  await group.addMembers([cy.client.inboxId]);
  expect((await group.members()).length).toBe(3);
  const known = async () =>
    (await ada.client.preferences.fetchInboxStates([safe.inboxId]))[0]?.installations.length;
  expect(await known()).toBe(1);
  // Of somebody new nothing can be said.
  await expect(group.addMembers([stranger.inboxId])).rejects.toThrow("silent");
  up = true;
  expect(await known()).toBe(2);
  await group.addMembers([stranger.inboxId]);
  expect((await group.members()).length).toBe(4);
  await safe.close();
  await second.close();
  await stranger.close();
  await world.close();
});
