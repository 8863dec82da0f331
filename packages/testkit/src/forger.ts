import { fromHex, toHex } from "@coterie/base";
import type { CryptoProvider, KeyPair } from "@coterie/crypto";
import { adopt, commit, propose, restoreGroup, seal } from "@coterie/mls";
import type { CommitInput, Group, PendingCommit, Proposal, ProposalToSend } from "@coterie/mls";
import type { NodeLog } from "@coterie/node";
import { decodeKey, encodeKey, prefixRange } from "@coterie/storage";
import type { Store } from "@coterie/storage";

/**
 * A member without manners: it holds the keys of an honest installation, taken out of its store, and says whatever it likes.
 * Nothing it does is checked on its side but by MLS itself.
 */
export interface Forger {
  readonly group: Group;
  readonly signer: KeyPair;
  /** Stages a commit of these proposals, whatever the policies say, and puts it into the log. */
  commit(
    proposals: readonly Proposal[],
    more?: Partial<CommitInput>,
  ): Promise<{ readonly message: Uint8Array; readonly welcome: Uint8Array | undefined }>;
  /** Goes on in the epoch of its last commit. */
  advance(): void;
  /** Sends a proposal on its own, for the epoch it is in. */
  propose(proposal: ProposalToSend): Promise<void>;
  /** Sends plaintext of any shape. */
  say(plaintext: Uint8Array): Promise<void>;
  /** Puts bytes into the log as they are, past the node's checks. */
  append(data: Uint8Array, isCommit?: boolean): Promise<void>;
}

/** The signature key of an installation, out of its store. */
export async function unsafeSignerOf(crypto: CryptoProvider, store: Store): Promise<KeyPair> {
  const row = await store.get(encodeKey("meta", "identity"));
  // The field "seed" of 32 bytes in the client's form of rows.
  const [, seed] = toHex(row as Uint8Array).split("04736565640720");
  const privateKey = fromHex((seed as string).slice(0, 64));
  return { privateKey, publicKey: crypto.signaturePublicKey("ed25519", privateKey) };
}

/** Takes the keys of an installation out of its store, as a thief of an open store would. */
export async function unsafeForgerOf(
  parts: { readonly crypto: CryptoProvider; readonly log: NodeLog },
  store: Store,
  groupId: string,
): Promise<Forger> {
  const { crypto, log } = parts;
  const signer = await unsafeSignerOf(crypto, store);
  const entries = await store.list(prefixRange("s", groupId));
  let group = restoreGroup({
    crypto,
    entries: new Map(entries.map(({ key, value }) => [decodeKey(key)[2] as string, value])),
  });
  let pending: PendingCommit | undefined;
  const append = async (data: Uint8Array, isCommit = false): Promise<void> => {
    await log.appendGroupMessages([
      {
        groupId: fromHex(groupId),
        data,
        senderHmac: new Uint8Array(32),
        shouldPush: false,
        isCommit,
      },
    ]);
  };
  return {
    get group() {
      return group;
    },
    signer,
    append,
    async commit(proposals, more = {}) {
      const made = commit({ crypto, group, signer, proposals, forcePath: true, ...more });
      group = made.group;
      pending = made.pending;
      await append(made.message, true);
      return { message: made.message, welcome: made.welcome };
    },
    advance() {
      if (pending !== undefined) ({ group } = adopt({ group, pending }));
      pending = undefined;
    },
    async propose(proposal) {
      const made = propose({ crypto, group, signer, proposal });
      group = made.group;
      await append(made.message, true);
    },
    async say(plaintext) {
      const sealed = seal({ crypto, group, signer, plaintext });
      group = sealed.group;
      await append(sealed.message);
    },
  };
}

/** Hex of the epoch authenticator: equal for all members that are not forked. */
export function standing(info: {
  readonly epoch: bigint;
  readonly epochAuthenticator: Uint8Array;
}): string {
  return `${info.epoch}:${toHex(info.epochAuthenticator)}`;
}
