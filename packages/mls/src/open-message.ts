import { invariant } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { checkContentSignature, checkMembershipTag } from "./content-auth.ts";
import { MlsError } from "./errors.ts";
import type { Group } from "./group.ts";
import type { ProposalSender } from "./judge.ts";
import { leafInPast } from "./past-epochs.ts";
import { openPrivateContent, openSenderData } from "./protect.ts";
import { keyAt } from "./ratchet.ts";
import { findRatchet, undo, withRatchet } from "./secret-tree.ts";
import type { SecretTree } from "./secret-tree.ts";
import { memberAt } from "./tree.ts";
import type {
  AuthenticatedContent,
  GroupContext,
  LeafNode,
  MlsMessage,
  PrivateMessage,
  PublicMessage,
} from "./types.ts";
import { groupContextBytes } from "./welcome-types.ts";
import { proposalSender } from "./views.ts";

/** A message whose signature and tags hold, but for the confirmation tag of a commit. */
export interface OpenedMessage {
  readonly kind: "opened";
  readonly message: AuthenticatedContent;
  readonly sender: ProposalSender;
  /** Of a PrivateMessage. */
  readonly generation: number | undefined;
  /** Messages of the same sender and epoch before this one that were not seen. */
  readonly skipped: number;
  /** With the message's key used up. */
  readonly group: Group;
  readonly spent: readonly Uint8Array[];
}

type Framed = MlsMessage & { readonly kind: "public" | "private" };

/** Removes the protection of a message of a known epoch (RFC 9420 §6). Answers `own` for what we sealed ourselves. */
export function openMessage(
  crypto: CryptoProvider,
  group: Group,
  framed: Framed,
): OpenedMessage | { readonly kind: "own" } {
  return framed.kind === "public"
    ? openPublic(crypto, group, framed.message)
    : openPrivate(crypto, group, framed.message);
}

function openPublic(
  crypto: CryptoProvider,
  group: Group,
  framed: PublicMessage,
): OpenedMessage | { readonly kind: "own" } {
  const { content, auth, membershipTag } = framed;
  const { kind } = content.content;
  const { state, suite } = group;
  // RFC 9420 §6: application data MUST be encrypted; decided before its epoch, which may be a past one.
  if (kind === "application") throw new MlsError("mls/application-in-public");
  const message: AuthenticatedContent = { wireFormat: "public", content, auth };
  const contextBytes = groupContextBytes(state.context);
  if (content.sender.kind === "member") {
    const { membershipKey } = state.secrets;
    checkMembershipTag(crypto, suite, message, membershipTag, contextBytes, membershipKey);
    if (content.sender.leafIndex === group.ownLeaf) return { kind: "own" };
  }
  const sender = proposalSender(state.context, state.tree, content.sender);
  checkContentSignature(crypto, suite, message, contextBytes, publicSigner(message, sender));
  return { kind: "opened", message, sender, generation: undefined, skipped: 0, group, spent: [] };
}

/** RFC 9420 §6.1: which key signs, and what somebody outside of the group may send. */
function publicSigner(message: AuthenticatedContent, sender: ProposalSender): Uint8Array {
  const { content, sender: from } = message.content;
  if (sender.kind === "member") return sender.leaf.signatureKey;
  if (sender.kind === "external") {
    if (content.kind !== "proposal") throw new MlsError("mls/wrong-sender", { sender: from.kind });
    return sender.signatureKey;
  }
  if (from.kind === "new-member-commit" && content.kind === "commit") {
    // An external commit without a path has no key to be signed by (RFC 9420 §12.4.3.2).
    if (!content.commit.path) throw new MlsError("mls/missing-path");
    return content.commit.path.leafNode.signatureKey;
  }
  if (
    from.kind === "new-member-proposal" &&
    content.kind === "proposal" &&
    content.proposal.kind === "add"
  ) {
    return content.proposal.keyPackage.leafNode.signatureKey;
  }
  throw new MlsError("mls/wrong-sender", { sender: from.kind });
}

/** What it takes to open the messages of one epoch. */
interface EpochKeys {
  readonly context: GroupContext;
  readonly senderDataSecret: Uint8Array;
  readonly messageKeys: SecretTree;
  leafAt(leafIndex: number): LeafNode | undefined;
  withKeys(messageKeys: SecretTree): Group;
}

function openPrivate(
  crypto: CryptoProvider,
  group: Group,
  framed: PrivateMessage,
): OpenedMessage | { readonly kind: "own" } {
  const { suite, options } = group;
  const keys = keysOfEpoch(group, framed.epoch);
  const senderData = openSenderData(crypto, suite, keys.senderDataSecret, framed);
  const { leafIndex, generation } = senderData;
  const leaf = keys.leafAt(leafIndex);
  // RFC 9420 §6.3.2: the sender's leaf is not blank.
  if (leaf === undefined) throw new MlsError("mls/unknown-sender", { leafIndex });
  if (leafIndex === group.ownLeaf) return { kind: "own" };
  const kind = framed.contentType === "application" ? "application" : "handshake";
  const found = findRatchet(crypto, suite, keys.messageKeys, leafIndex, kind);
  const step = keyAt(crypto, suite, found.ratchet, generation, options);
  const messageKeys = withRatchet(found.tree, leafIndex, kind, step.ratchet);
  let message: AuthenticatedContent;
  try {
    message = openPrivateContent(crypto, suite, framed, senderData, step.key);
    const contextBytes = groupContextBytes(keys.context);
    // XGC-12: the leaf of the message's own epoch, whatever has become of that member since.
    checkContentSignature(crypto, suite, message, contextBytes, leaf.signatureKey);
  } catch (error) {
    // The ratchet stays where it was: what was derived beyond it must not outlive it.
    const { key, nonce } = step.key;
    undo(keys.messageKeys, messageKeys, [...found.spent, ...step.spent, key, nonce]);
    throw error;
  }
  return {
    kind: "opened",
    message,
    sender: { kind: "member", leafIndex, leaf },
    generation,
    skipped: Math.max(0, generation - found.ratchet.next),
    group: keys.withKeys(messageKeys),
    spent: [...found.spent, ...step.spent, step.key.key, step.key.nonce],
  };
}

function keysOfEpoch(group: Group, epoch: bigint): EpochKeys {
  const { state, past } = group;
  if (epoch === group.epoch) {
    return {
      context: state.context,
      senderDataSecret: state.secrets.senderData,
      messageKeys: group.messageKeys,
      leafAt: (leafIndex) => memberAt(state.tree, leafIndex),
      withKeys: (messageKeys) => ({ ...group, messageKeys }),
    };
  }
  const index = past.findIndex(({ record }) => record.context.epoch === epoch);
  const found = past[index];
  invariant(found, "the header named an epoch that is kept");
  const { record } = found;
  return {
    context: record.context,
    senderDataSecret: record.senderDataSecret,
    messageKeys: found.messageKeys,
    leafAt: (leafIndex) =>
      leafInPast(past, index, leafIndex, (current) => memberAt(state.tree, current)),
    withKeys: (messageKeys) => ({ ...group, past: past.with(index, { record, messageKeys }) }),
  };
}
