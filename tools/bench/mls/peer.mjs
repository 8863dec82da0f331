// The same operations with ts-mls, an independent implementation.
import * as peer from "ts-mls";
import { measureAsync } from "./measure.mjs";

const name = "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519";
const capabilities = {
  versions: ["mls10"],
  ciphersuites: [name],
  extensions: [],
  proposals: [],
  credentials: ["basic"],
};
const always = { notBefore: 0n, notAfter: 2n ** 62n };
const made = [];

async function crowd(impl, count) {
  while (made.length < count) {
    const identity = new TextEncoder().encode(`member ${made.length}`);
    const credential = { credentialType: "basic", identity };
    // oxlint-disable-next-line no-await-in-loop
    made.push(await peer.generateKeyPackage(credential, capabilities, always, [], impl));
  }
  return made.slice(0, count);
}

/** Rows of the names that ours have, where ts-mls can do the same. */
export async function measurePeer(size) {
  const impl = await peer.getCiphersuiteImpl(peer.getCiphersuiteFromName(name));
  const members = await crowd(impl, size + 1);
  const rows = [];
  const row = async (operation, run, per = 1) => {
    const { ms, samples, value } = await measureAsync(run);
    rows.push({ operation, ms: ms / per, samples });
    return value;
  };
  const [ada, bob] = members;
  const start = await peer.createGroup(
    new Uint8Array(16),
    ada.publicPackage,
    ada.privatePackage,
    [],
    impl,
  );
  const add = (of) => ({ proposalType: "add", add: { keyPackage: of.publicPackage } });
  const commit = (state, extraProposals) =>
    peer.createCommit(
      { state, cipherSuite: impl },
      extraProposals ? { extraProposals, ratchetTreeExtension: true } : {},
    );
  const take = (state, message) =>
    peer.processMessage(message, state, peer.emptyPskIndex, peer.acceptAll, impl);
  const everybody = members.slice(1, size).map(add);
  const created = await row("create in one commit", () => commit(start, everybody));
  const group = created.newState;
  const other = await row("join, flat tree", () =>
    peer.joinGroup(
      created.welcome,
      bob.publicPackage,
      bob.privatePackage,
      peer.emptyPskIndex,
      impl,
    ),
  );
  const added = await row("add 1", () => commit(group, [add(members[size])]));
  await row("process add 1", () => take(other, added.commit));
  const path = await row("self-update, blank tree", () => commit(group));
  await row("process a path, blank tree", () => take(other, path.commit));
  const removed = Math.min(5, size - 1);
  await row("remove 1, blank tree", () =>
    commit(group, [{ proposalType: "remove", remove: { removed } }]),
  );
  const messages = 20;
  let sent = [];
  const seal = async (from) => {
    let state = from;
    sent = [];
    for (let i = 0; i < messages; i++) {
      // oxlint-disable-next-line no-await-in-loop
      const each = await peer.createApplicationMessage(state, new Uint8Array(100), impl);
      state = each.newState;
      const { privateMessage } = each;
      sent.push({ version: "mls10", wireformat: "mls_private_message", privateMessage });
    }
    return state;
  };
  const open = async (from) => {
    let state = from;
    // oxlint-disable-next-line no-await-in-loop
    for (const message of sent) state = (await take(state, message)).newState;
    return state;
  };
  const before = await seal(group);
  const beforeOther = await open(other);
  await row("encrypt 100 B", () => seal(before), messages);
  await row("decrypt 100 B", () => open(beforeOther), messages);
  return rows;
}
