import type { CryptoProvider, KeyPair } from "@coterie/crypto";
import { generateKeyPair } from "@coterie/crypto";
import { membershipTag, signContent } from "./content-auth.ts";
import { signLeaf } from "./create-key-package.ts";
import { MlsError } from "./errors.ts";
import { checkMaySend } from "./group.ts";
import type { Group } from "./group.ts";
import { limits } from "./limits.ts";
import { encodeMlsMessage } from "./message.ts";
import { proposalRef, storeProposal } from "./proposals.ts";
import type { ProposalRef } from "./proposals.ts";
import { sealPrivateMessage } from "./protect.ts";
import { nextKey } from "./ratchet.ts";
import { findRatchet, withRatchet } from "./secret-tree.ts";
import { requireMember } from "./tree.ts";
import type { AuthenticatedContent, Content, LeafNode, Proposal, Sender } from "./types.ts";
import { checkProposal } from "./validate-proposals.ts";
import { groupContextBytes } from "./welcome-types.ts";

const none = new Uint8Array(0);

/** Which parts of its leaf a member replaces, and the key it signs with from then on (MLS-05). */
export type LeafChange = Partial<
  Pick<LeafNode, "credential" | "capabilities" | "extensions"> & { readonly signer: KeyPair }
>;

/**
 * Encrypts application data. Keep the group that comes back before the message goes out: its key is used up. Throws `mls/inactive` or
 * `mls/wrong-signer`.
 */
export function seal(input: {
  readonly crypto: CryptoProvider;
  readonly group: Group;
  readonly signer: KeyPair;
  readonly plaintext: Uint8Array;
  readonly authenticatedData?: Uint8Array;
  /** Zero bytes to append; none by default. */
  readonly padding?: number;
}): {
  readonly group: Group;
  /** MLSMessage. */
  readonly message: Uint8Array;
  readonly epoch: bigint;
  readonly generation: number;
  readonly spent: readonly Uint8Array[];
} {
  const { crypto, group, signer } = input;
  checkMaySend(group, signer);
  const content: Content = { kind: "application", data: input.plaintext };
  const { authenticatedData = none } = input;
  const signed = signAsMember({
    crypto,
    group,
    signer,
    wireFormat: "private",
    content,
    authenticatedData,
  });
  const sent = protectPrivate(crypto, group, signed, input.padding ?? 0);
  return { ...sent, epoch: group.epoch };
}

/** What a member may propose; an Update is made of the changes to its own leaf. */
export type ProposalToSend =
  | Exclude<Proposal, { readonly kind: "update" | "external-init" }>
  | { readonly kind: "update"; readonly newLeaf?: LeafChange };

/**
 * Sends a proposal on its own, to be committed by reference. It is checked as strictly as receivers do, and stored in the group that
 * comes back, which has to be kept.
 */
export function propose(input: {
  readonly crypto: CryptoProvider;
  readonly group: Group;
  readonly signer: KeyPair;
  readonly proposal: ProposalToSend;
  readonly wireFormat?: "private" | "public";
  readonly authenticatedData?: Uint8Array;
  readonly padding?: number;
  readonly nowSeconds?: bigint;
}): {
  readonly group: Group;
  /** MLSMessage. */
  readonly message: Uint8Array;
  readonly ref: ProposalRef;
  readonly spent: readonly Uint8Array[];
} {
  const { crypto, group, signer, wireFormat = "private", authenticatedData = none } = input;
  checkMaySend(group, signer);
  const { suite, state } = group;
  const { proposal, updateKey } =
    input.proposal.kind === "update"
      ? updateProposal(crypto, group, signer, input.proposal.newLeaf ?? {})
      : { proposal: input.proposal, updateKey: undefined };
  const sender: Sender = { kind: "member", leafIndex: group.ownLeaf };
  const rules = { crypto, state, nowSeconds: input.nowSeconds };
  checkProposal(rules, proposal, sender, state.context.extensions);
  const content: Content = { kind: "proposal", proposal };
  const signed = signAsMember({ crypto, group, signer, wireFormat, content, authenticatedData });
  const ref = proposalRef(crypto, suite, signed);
  const stored = { ref, proposal, sender };
  const proposals = storeProposal(group.proposals, updateKey ? { ...stored, updateKey } : stored);
  const sent = protect(crypto, group, signed, input.padding ?? 0);
  return { ...sent, group: { ...sent.group, proposals }, ref };
}

function updateProposal(
  crypto: CryptoProvider,
  group: Group,
  signer: KeyPair,
  change: LeafChange,
): { readonly proposal: Proposal; readonly updateKey: KeyPair } {
  const { suite, ownLeaf, groupId } = group;
  const old = requireMember(group.tree, ownLeaf);
  const updateKey = generateKeyPair(crypto, suite);
  const newSigner = change.signer ?? signer;
  const leafNode = signLeaf({
    crypto,
    suite,
    signer: newSigner,
    place: { groupId, leafIndex: ownLeaf },
    leaf: {
      encryptionKey: updateKey.publicKey,
      signatureKey: newSigner.publicKey,
      credential: change.credential ?? old.credential,
      capabilities: change.capabilities ?? old.capabilities,
      source: { kind: "update" },
      extensions: change.extensions ?? old.extensions,
    },
  });
  return { proposal: { kind: "update", leafNode }, updateKey };
}

/** Content of ours with its signature; a commit still lacks its confirmation tag. */
export function signAsMember(input: {
  readonly crypto: CryptoProvider;
  readonly group: Group;
  readonly signer: KeyPair;
  readonly wireFormat: "private" | "public";
  readonly content: Content;
  readonly authenticatedData: Uint8Array;
}): AuthenticatedContent {
  const { crypto, group, wireFormat, authenticatedData } = input;
  const content = {
    groupId: group.groupId,
    epoch: group.epoch,
    sender: { kind: "member", leafIndex: group.ownLeaf },
    authenticatedData,
    content: input.content,
  } as const;
  const contextBytes = groupContextBytes(group.context);
  const { privateKey } = input.signer;
  const what = { wireFormat, content, contextBytes, privateKey };
  const signature = signContent(crypto, group.suite, what);
  return { wireFormat, content, auth: { signature, confirmationTag: undefined } };
}

export interface Protected {
  readonly group: Group;
  readonly message: Uint8Array;
  readonly spent: readonly Uint8Array[];
}

/** A signed message of ours as MLSMessage bytes, in its wire format. */
export function protect(
  crypto: CryptoProvider,
  group: Group,
  signed: AuthenticatedContent,
  padding: number,
): Protected {
  if (signed.wireFormat === "private") return protectPrivate(crypto, group, signed, padding);
  const { content, auth } = signed;
  const { membershipKey } = group.state.secrets;
  const contextBytes = groupContextBytes(group.context);
  const tag = membershipTag(crypto, group.suite, signed, contextBytes, membershipKey);
  const message = encodeMlsMessage({
    kind: "public",
    message: { content, auth, membershipTag: tag },
  });
  return { group, message, spent: [] };
}

function protectPrivate(
  crypto: CryptoProvider,
  group: Group,
  signed: AuthenticatedContent,
  padding: number,
): Protected & { readonly generation: number } {
  if (!(Number.isInteger(padding) && padding >= 0 && padding <= limits.structBytes)) {
    throw new MlsError("mls/bad-argument", { padding }, { disposition: "fix-caller" });
  }
  const { suite, ownLeaf } = group;
  const kind = signed.content.content.kind === "application" ? "application" : "handshake";
  const found = findRatchet(crypto, suite, group.messageKeys, ownLeaf, kind);
  const step = nextKey(crypto, suite, found.ratchet);
  const message = sealPrivateMessage(crypto, suite, {
    message: signed,
    leafIndex: ownLeaf,
    key: step.key,
    senderDataSecret: group.state.secrets.senderData,
    padding,
  });
  const { key, nonce, generation } = step.key;
  return {
    group: { ...group, messageKeys: withRatchet(found.tree, ownLeaf, kind, step.ratchet) },
    message: encodeMlsMessage({ kind: "private", message }),
    generation,
    spent: [...found.spent, ...step.spent, key, nonce],
  };
}
