import { toHex } from "@coterie/base";
import { labels } from "@coterie/crypto";
import type { CipherSuite, CryptoProvider, KeyPair } from "@coterie/crypto";
import { encodeWith } from "./codec.ts";
import { refHash } from "./crypto-labels.ts";
import { MlsError } from "./errors.ts";
import { writeAuthenticatedContent } from "./framing-types.ts";
import type { AuthenticatedContent, Proposal, Sender } from "./types.ts";

/** ProposalRef (RFC 9420 §5.2): the hash by which a commit names a proposal that was sent on its own. */
export type ProposalRef = Uint8Array;

/** A proposal of the current epoch that waits for a commit. */
export interface StoredProposal {
  readonly ref: ProposalRef;
  readonly proposal: Proposal;
  readonly sender: Sender;
  /** For an Update of our own: the key pair that its leaf brings into force. */
  readonly updateKey?: KeyPair;
}

/** By hex of the reference, in the order they came. */
export type ProposalStore = ReadonlyMap<string, StoredProposal>;

export const noProposals: ProposalStore = new Map();

/** Bounds memory: whoever may propose may otherwise fill it (a member, or an external sender). */
const maxStored = 4_096;

export function proposalRef(
  crypto: CryptoProvider,
  suite: CipherSuite,
  message: AuthenticatedContent,
): ProposalRef {
  const bytes = encodeWith(writeAuthenticatedContent, message);
  return refHash(crypto, suite, labels.mlsReference.proposal, bytes);
}

export function storeProposal(store: ProposalStore, stored: StoredProposal): ProposalStore {
  const key = toHex(stored.ref);
  if (store.has(key)) return store;
  if (store.size >= maxStored) {
    throw new MlsError("mls/limit", { limit: maxStored, what: "proposals" });
  }
  return new Map(store).set(key, stored);
}

/** Throws `mls/unknown-proposal` where the reference was never seen in this epoch. */
export function findProposal(store: ProposalStore, ref: ProposalRef): StoredProposal {
  const found = store.get(toHex(ref));
  if (!found) throw new MlsError("mls/unknown-proposal", { ref: toHex(ref) });
  return found;
}
