// A member without manners: an installation of our client whose store we hold, so that its keys can say anything.
const at = (room) => new URL(`../../packages/${room}`, import.meta.url).href;
const { Client } = await import(at("client/dist/index.js"));
const { opensslProvider: crypto } = await import(at("crypto/dist/openssl.js"));
const { createMemoryStore, decodeKey, encodeKey, prefixRange } = await import(
  at("storage/dist/index.js")
);
const { createH2Transport } = await import(at("transport/dist/h2.js"));
const { decodeRow } = await import(at("client/dist/rows.js"));
export const mls = await import(at("mls/dist/index.js"));
export const wire = await import(at("wire/dist/index.js"));
export const { cipherSuites } = await import(at("crypto/dist/index.js"));
export { crypto };

const hex = (bytes) => Buffer.from(bytes).toString("hex");
export const fromHex = (text) => Uint8Array.from(Buffer.from(text, "hex"));

/** A client of ours with everything it would need to misbehave. */
export async function unsafeClient(node, who) {
  const store = createMemoryStore();
  const transport = createH2Transport({ url: node.url });
  const client = await Client.create(who.signer, { crypto, store, transport, workers: false });
  const row = await store.get(encodeKey("meta", "identity"));
  const { seed: privateKey } = decodeRow(row);
  const signer = { privateKey, publicKey: fromHex(client.installationId) };

  /** The group as this installation has it now, with keys. */
  const groupNow = async (id) => {
    const entries = await store.list(prefixRange("s", id));
    return mls.restoreGroup({
      crypto,
      entries: new Map(entries.map(({ key, value }) => [decodeKey(key)[2], value])),
    });
  };
  const send = (data) =>
    transport.unary(
      wire.paths.mls.sendGroupMessages,
      wire.SendGroupMessagesRequest.encode({
        messages: [
          { kind: "v1", value: { data, senderHmac: new Uint8Array(32), shouldPush: false } },
        ],
      }),
    );
  return {
    client,
    signer,
    groupNow,
    send,
    keyPackage: async (installationId) => {
      const answer = await transport.unary(
        wire.paths.mls.fetchKeyPackages,
        wire.FetchKeyPackagesRequest.encode({ installationKeys: [fromHex(installationId)] }),
      );
      const [{ keyPackageTlsSerialized }] =
        wire.FetchKeyPackagesResponse.decode(answer).keyPackages;
      return mls.decodeKeyPackage(keyPackageTlsSerialized);
    },
    newestId: async (inboxId) => {
      const answer = await transport.unary(
        wire.paths.identity.getIdentityUpdates,
        wire.GetIdentityUpdatesRequest.encode({ requests: [{ inboxId, sequenceId: 0n }] }),
      );
      return wire.GetIdentityUpdatesResponse.decode(answer).responses[0].updates.at(-1).sequenceId;
    },
    /** Commits these proposals, whatever the rules say. */
    async commit(id, proposals, more = {}) {
      const group = await groupNow(id);
      const made = mls.commit({ crypto, group, signer, proposals, forcePath: true, ...more });
      await send(made.message);
      return made;
    },
  };
}

/** The extensions of a context with one of them changed by its codec. */
export function changed(group, type, codec, change) {
  return {
    kind: "group-context-extensions",
    extensions: group.context.extensions.map((extension) =>
      extension.type === type
        ? { type, data: codec.encode(change(codec.decode(extension.data))) }
        : extension,
    ),
  };
}

export function leafOf(group, installationId) {
  return mls.members(group).find(({ leaf }) => hex(leaf.signatureKey) === installationId).leafIndex;
}
