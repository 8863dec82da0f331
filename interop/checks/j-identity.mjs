// Inboxes across the two: wallets, passkeys and contract wallets, what each side makes of the other's log, and who may revoke.
import { createHash, generateKeyPairSync, randomBytes, sign as signWith } from "node:crypto";
import { createServer } from "node:http";
import { join } from "node:path";
import { Client as SdkClient, generateInboxId as sdkInboxId, IdentifierKind } from "@xmtp/node-sdk";
import { assert } from "../lib/check.mjs";
import { ourClient } from "../lib/ours.mjs";
import { startNode } from "../lib/process.mjs";
import { sdkClient, sdkOptions, wallet } from "../lib/sdk.mjs";

const entry = new URL("../../packages/client/dist/node.js", import.meta.url);
const at = (room) => new URL(`../../packages/${room}`, import.meta.url).href;
const { opensslProvider: crypto } = await import(at("crypto/dist/openssl.js"));
const { eip191Sign } = await import(at("crypto/dist/index.js"));
const identity = await import(at("identity/dist/index.js"));
const wire = await import(at("wire/dist/index.js"));
const { Client: OurClient, createBackend, generateInboxId } = await import(entry.href);

/** An authenticator with one P-256 key. The two forms of its key are two identifiers. */
function passkey(compressed) {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const { x, y } = publicKey.export({ format: "jwk" });
  const [bx, by] = [x, y].map((part) => Buffer.from(part, "base64url"));
  const key = compressed
    ? Buffer.concat([Uint8Array.of(2 + (by.at(-1) & 1)), bx])
    : Buffer.concat([Uint8Array.of(4), bx, by]);
  const identifier = { identifier: key.toString("hex"), identifierKind: IdentifierKind.Passkey };
  const assertion = (text) => {
    const challenge = Buffer.from(text).toString("base64url");
    const clientDataJson = Buffer.from(
      JSON.stringify({ type: "webauthn.get", challenge, origin: "https://chat.example" }),
    );
    const hash = (bytes) => createHash("sha256").update(bytes).digest();
    const authenticatorData = Buffer.concat([hash("chat.example"), Uint8Array.of(5, 0, 0, 0, 1)]);
    const signed = Buffer.concat([authenticatorData, hash(clientDataJson)]);
    const parts = {
      publicKey: key,
      signature: signWith("sha256", signed, privateKey),
      authenticatorData,
      clientDataJson,
    };
    return Object.fromEntries(Object.entries(parts).map(([name, bytes]) => [name, [...bytes]]));
  };
  return { identifier, assertion };
}

const sign = async (request, key) =>
  request.addPasskeySignature(key.assertion(await request.signatureText()));

/** An inbox state in words that both sides share. */
const told = (state) => ({
  inboxId: state.inboxId,
  recovery: state.recoveryIdentifier.identifier,
  identifiers: state.identifiers.map(({ identifier }) => identifier).toSorted(),
  installations: state.installations.map(({ id }) => id).toSorted(),
});

export default async function run({ node, check, folder }) {
  const theirBackend = (await sdkOptions(node)).backend;
  const ourBackend = await createBackend({ apiUrl: node.url });
  /** Both read the log from the start, and must come to the same state. */
  const both = async (inboxId) => {
    const [theirs] = await SdkClient.fetchInboxStates([inboxId], theirBackend);
    const [mine] = await OurClient.fetchInboxStates([inboxId], ourBackend);
    assert.deepEqual(told(mine), told(theirs));
    return told(mine);
  };

  await check(
    "inbox ids are the same, for wallets and both forms of passkeys (XID-01, XID-13)",
    async () => {
      for (const who of [wallet(), passkey(false), passkey(true)]) {
        for (const nonce of [undefined, 0n, 7n]) {
          assert.equal(generateInboxId(who.identifier, nonce), sdkInboxId(who.identifier, nonce));
        }
      }
    },
  );

  await check("what an installation signs is verified by the other side (XID-11)", async () => {
    const [ada, bo] = [await sdkClient(node), await ourClient(node)];
    const verify = (side, signer, text) =>
      side.verifySignedWithPublicKey(
        text,
        signer.signWithInstallationKey("hello"),
        signer.installationIdBytes,
      );
    for (const side of [SdkClient, OurClient]) {
      for (const signer of [ada, bo]) {
        assert.equal(verify(side, signer, "hello"), true);
        assert.equal(verify(side, signer, "hullo"), false);
      }
    }
    await ada.close();
    await bo.close();
  });

  for (const [side, make, other] of [
    ["ours", ourClient, sdkClient],
    ["theirs", sdkClient, ourClient],
  ]) {
    await check(
      `${side}: wallets come and go, devices are revoked, the right to revoke moves (XID-42, XID-43)`,
      async () => {
        const ada = await make(node);
        const phone = await other(node, ada.wallet);
        const tablet = await make(node, ada.wallet);
        assert.equal(phone.inboxId, ada.inboxId);
        const [second, heir] = [wallet(), wallet()];
        await ada.unsafe_addAccount(second.signer, true);
        assert.equal((await both(ada.inboxId)).identifiers.length, 2);
        // The second wallet lets in a device of its own, which goes with it (XID-28).
        const child = await other(node, second);
        assert.equal(child.inboxId, ada.inboxId);
        assert.equal((await both(ada.inboxId)).installations.length, 4);
        await ada.removeAccount(second.identifier);
        await ada.revokeInstallations([tablet.installationIdBytes]);
        const devices = [ada.installationId, phone.installationId].toSorted();
        assert.deepEqual((await both(ada.inboxId)).installations, devices);
        await ada.changeRecoveryIdentifier(heir.identifier);
        assert.equal((await both(ada.inboxId)).recovery, heir.address);
        await assert.rejects(ada.revokeInstallations([phone.installationIdBytes]));
        for (const client of [ada, phone, tablet, child]) await client.close();
        // Each side revokes without a client, with nothing but the heir's wallet.
        await OurClient.revokeInstallations(
          heir.signer,
          ada.inboxId,
          [phone.installationIdBytes],
          ourBackend,
        );
        await SdkClient.revokeInstallations(
          heir.signer,
          ada.inboxId,
          [ada.installationIdBytes],
          theirBackend,
        );
        assert.deepEqual((await both(ada.inboxId)).installations, []);
        const questions = [
          (client, backend) => client.isAddressAuthorized(ada.inboxId, ada.wallet.address, backend),
          (client, backend) => client.isAddressAuthorized(ada.inboxId, second.address, backend),
          (client, backend) =>
            client.isInstallationAuthorized(ada.inboxId, ada.installationIdBytes, backend),
        ];
        const answers = [];
        for (const ask of questions) {
          const answer = await ask(OurClient, ourBackend);
          assert.equal(answer, await ask(SdkClient, theirBackend));
          answers.push(answer);
        }
        assert.deepEqual(answers, [true, false, false]);
        const ids = [ada.inboxId];
        assert.deepEqual(
          await OurClient.fetchLatestInboxUpdatesCount(ids, ourBackend),
          await SdkClient.fetchLatestInboxUpdatesCount(ids, theirBackend),
        );
      },
    );
  }

  for (const compressed of [false, true]) {
    const form = compressed ? "a compressed" : "an uncompressed";
    await check(
      `${form} passkey of ours, as the SDK reads it: founds, adds, revokes, hands over (XID-13)`,
      async () => {
        const key = passkey(compressed);
        const ada = await OurClient.build(key.identifier, { apiUrl: node.url, dbPath: null });
        const request = await ada.unsafe_createInboxSignatureRequest();
        await sign(request, key);
        await ada.unsafe_applySignatureRequest(request);
        const friend = wallet();
        await ada.unsafe_addAccount(friend.signer);
        const phone = await sdkClient(node, friend);
        assert.equal(phone.inboxId, ada.inboxId);
        const before = await both(ada.inboxId);
        assert.equal(before.recovery, key.identifier.identifier);
        assert.equal(before.installations.length, 2);
        const revoking = await ada.unsafe_revokeInstallationsSignatureRequest([
          phone.installationIdBytes,
        ]);
        await sign(revoking, key);
        await ada.unsafe_applySignatureRequest(revoking);
        const handing = await ada.unsafe_changeRecoveryIdentifierSignatureRequest(
          friend.identifier,
        );
        await sign(handing, key);
        await ada.unsafe_applySignatureRequest(handing);
        const after = await both(ada.inboxId);
        assert.deepEqual(after.installations, [ada.installationId]);
        assert.equal(after.recovery, friend.address);
        await phone.close();
        await ada.close();
      },
    );

    await check(
      `${form} passkey that the SDK links to a wallet's inbox, as we read it (XID-13, XID-42)`,
      async () => {
        const key = passkey(compressed);
        const bo = await sdkClient(node);
        const request = await bo.unsafe_addAccountSignatureRequest(key.identifier, true);
        await sign(request, key);
        await bo.unsafe_applySignatureRequest(request);
        assert.ok((await both(bo.inboxId)).identifiers.includes(key.identifier.identifier));
        assert.equal(await bo.fetchInboxIdByIdentifier(key.identifier), bo.inboxId);
        // Our device joins by the passkey alone.
        const tablet = await OurClient.build(key.identifier, { apiUrl: node.url, dbPath: null });
        assert.equal(tablet.inboxId, bo.inboxId);
        const joining = await tablet.unsafe_createInboxSignatureRequest();
        await sign(joining, key);
        await tablet.unsafe_applySignatureRequest(joining);
        assert.equal((await both(bo.inboxId)).installations.length, 2);
        await bo.removeAccount(key.identifier);
        assert.deepEqual((await both(bo.inboxId)).installations, [bo.installationId]);
        await tablet.close();
        await bo.close();
      },
    );
  }

  await check(
    "contract wallets of either side, checked by the node on a stand-in for a chain (XID-12, XND-25)",
    async () => {
      const chain = createServer((request, response) => {
        const parts = [];
        request.on("data", (part) => parts.push(part));
        request.on("end", () => {
          const { id, method } = JSON.parse(Buffer.concat(parts).toString());
          const results = { eth_chainId: "0x2105", eth_blockNumber: "0x1000", eth_call: "0x01" };
          response.end(JSON.stringify({ jsonrpc: "2.0", id, result: results[method] }));
        });
      });
      await new Promise((resolve) => chain.listen(0, "127.0.0.1", resolve));
      const second = await startNode({
        data: join(folder, "with-chain"),
        more: ["--chain", `eip155:8453=http://127.0.0.1:${chain.address().port}`],
      });
      try {
        const contract = () => {
          const { identifier, signer } = wallet();
          // Whatever the contract accepts; the stand-in accepts all.
          const signMessage = (text) => signer.signMessage(text).subarray(0, 40);
          return {
            identifier,
            signer: { ...signer, type: "SCW", signMessage, getChainId: () => 8453n },
          };
        };
        const backend = await createBackend({ apiUrl: second.url });
        for (const [make, other] of [
          [ourClient, sdkClient],
          [sdkClient, ourClient],
        ]) {
          const safe = contract();
          const first = await make(second, safe);
          const again = await other(second, safe);
          assert.equal(again.inboxId, first.inboxId);
          const [theirs] = await SdkClient.fetchInboxStates(
            [first.inboxId],
            (await sdkOptions(second)).backend,
          );
          const [mine] = await OurClient.fetchInboxStates([first.inboxId], backend);
          assert.deepEqual(told(mine), told(theirs));
          assert.equal(mine.installations.length, 2);
          await first.revokeAllOtherInstallations();
          const [left] = await OurClient.fetchInboxStates([first.inboxId], backend);
          assert.deepEqual(told(left).installations, [first.installationId]);
          await first.close();
          await again.close();
        }
        await backend.close();
        assert.deepEqual(second.errors, []);
      } finally {
        await second.kill();
        chain.close();
      }
      // A node without chains refuses, and says so.
      await assert.rejects(
        ourClient(node, { signer: { ...wallet().signer, type: "SCW", getChainId: () => 1n } }),
        {
          code: "identity/contract-check-missing",
        },
      );
    },
  );

  await check(
    "an inbox of the previous protocol, founded by a V2 key that a wallet vouched for (XID-14, XID-21, XID-25)",
    async () => {
      const { signer, identifier: account } = wallet();
      const v2 = randomBytes(32);
      const keyBytes = wire.UnsignedPublicKey.encode({
        createdNs: 1_600_000_000_000_000_000n,
        secp256k1Uncompressed: { bytes: crypto.secp256k1PublicKey(v2) },
      });
      const vouched = signer.signMessage(
        `XMTP : Create Identity\n${Buffer.from(keyBytes).toString("hex")}\n\nFor more info: https://xmtp.org/signatures/`,
      );
      const delegatedKey = {
        keyBytes,
        signature: {
          kind: "walletEcdsaCompact",
          value: { bytes: vouched.subarray(0, 64), recovery: vouched[64] - 27 },
        },
      };
      const owner = identity.ethereumIdentifier(account.identifier);
      const found = (nonce) => {
        const installation = identity.createInstallation(crypto);
        const plan = identity.planRegistration({
          crypto,
          identifier: owner,
          installation: installation.id,
          nonce,
        });
        const { inboxId, actions } = plan;
        const clientTimestampNs = BigInt(Date.now()) * 1_000_000n;
        const pending = identity.beginUpdate({ inboxId, clientTimestampNs, actions });
        const bytes = eip191Sign(crypto, v2, pending.signatureText);
        const delegated = {
          kind: "delegatedErc191",
          value: { delegatedKey, signature: { bytes } },
        };
        const own = identity.signIdentityText(crypto, installation, pending.signatureText);
        const identityUpdate = identity.completeUpdate({ crypto }, pending, [delegated, own]);
        return { inboxId, installation, identityUpdate };
      };
      const publish = ({ identityUpdate }) =>
        ourBackend.transport.unary(
          wire.paths.identity.publishIdentityUpdate,
          wire.PublishIdentityUpdateRequest.encode({ identityUpdate }),
        );
      await assert.rejects(publish(found(1n)), /legacy-signature-reuse/);
      const old = found(0n);
      await publish(old);
      const state = await both(old.inboxId);
      assert.deepEqual(state.installations, [old.installation.id]);
      assert.deepEqual(state.identifiers, [account.identifier]);
      // The wallet itself goes on from there, with either side's client.
      const client = await sdkClient(node, { signer });
      assert.equal(client.inboxId, old.inboxId);
      assert.equal((await both(old.inboxId)).installations.length, 2);
      await client.close();
    },
  );

  await ourBackend.close();
}
