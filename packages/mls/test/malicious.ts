import { invariant, toUtf8 } from "@coterie/base";
import { hpkeSendExport, labels } from "@coterie/crypto";
import type { KeyPair } from "@coterie/crypto";
import { applyProposals } from "../src/apply-proposals.ts";
import { signContent } from "../src/content-auth.ts";
import { signWithLabel } from "../src/crypto-labels.ts";
import { encryptWithLabel } from "../src/encrypt-labels.ts";
import { externalKeyPair } from "../src/key-schedule.ts";
import { contextAfter, provisionalContext, stageEpoch } from "../src/next-epoch.ts";
import { storeProposal } from "../src/proposals.ts";
import { derivePskSecret } from "../src/psk.ts";
import { resolveProposals } from "../src/resolve-proposals.ts";
import { nodeAt, replaceLeaf, resolution, withFreeLeaf } from "../src/tree.ts";
import type { RatchetTree } from "../src/tree.ts";
import { encryptionKeyOf } from "../src/tree-node.ts";
import type {
  Commit,
  FramedContent,
  LeafNode,
  Proposal,
  ProposalOrRef,
  Sender,
  UpdatePath,
} from "../src/types.ts";
import { createPath } from "../src/update-path.ts";
import type { NewPath } from "../src/update-path.ts";
import { leafTbs } from "../src/validate-leaf.ts";
import { groupContextBytes } from "../src/welcome-types.ts";
import { retag } from "./forge.ts";
import { capabilities, crypto, suite } from "./people.ts";
import type { Person } from "./people.ts";

// A member or newcomer that runs a client without a single check: what it sends has valid signatures and tags, whatever it says.

/** Changes a leaf before it is signed, or after that; `key` signs in place of the author's own. */
export interface LeafForgery {
  readonly alter?: (leaf: LeafNode) => LeafNode;
  readonly bend?: (leaf: LeafNode) => LeafNode;
  readonly key?: KeyPair;
}

type Place = { readonly groupId: Uint8Array; readonly leafIndex: number } | undefined;

export function forgeLeaf(
  leaf: LeafNode,
  signer: KeyPair,
  place: Place,
  { alter = (same) => same, bend = (same) => same, key = signer }: LeafForgery = {},
): LeafNode {
  const own = alter({ ...leaf, signatureKey: key.publicKey });
  const where = own.source.kind === "key-package" ? undefined : place;
  const { privateKey } = key;
  const label = labels.mlsSign.leafNode;
  const signature = signWithLabel(crypto, suite(), privateKey, label, leafTbs(own, where));
  return bend({ ...own, signature });
}

/** What a PublicMessage of a proposal looks like, signed and tagged, and never checked. */
export function forceProposal(who: Person, proposal: Proposal): Uint8Array {
  const { group, signer } = who;
  const sender: Sender = { kind: "member", leafIndex: group.ownLeaf };
  const content = framed(who, sender, { kind: "proposal", proposal });
  return signed(who, content, signer, undefined);
}

/** As if this proposal had been taken in: only for those whose checks of it are not what is tried. */
export function withStored(who: Person, sender: Sender, proposal: Proposal): Uint8Array {
  const ref = new Uint8Array(32).fill(0xee);
  const proposals = storeProposal(who.group.proposals, { ref, proposal, sender });
  who.group = { ...who.group, proposals };
  return ref;
}

/** A commit with a path and a confirmation tag that fits, by a member. */
export function forceCommit(
  who: Person,
  items: readonly ProposalOrRef[],
  leaf: LeafForgery = {},
  withPath = true,
): Uint8Array {
  const { group, signer } = who;
  const sender: Sender = { kind: "member", leafIndex: group.ownLeaf };
  return force(who, signer, sender, items, leaf, withPath);
}

/** An external commit by somebody who knows the public state of `inside`'s group, tree included. */
export function forceExternalCommit(
  inside: Person,
  newcomer: Pick<Person, "signer" | "credential">,
  more: readonly Proposal[] = [],
  leaf: LeafForgery = {},
): Uint8Array {
  const { group } = inside;
  const external = externalKeyPair(crypto, suite(), group.state.secrets.external);
  const { enc, secret } = hpkeSendExport({
    crypto,
    suite: suite(),
    publicKey: external.publicKey,
    info: new Uint8Array(0),
    context: toUtf8(labels.mlsExternalInit),
    length: suite().hashLength,
  });
  const proposals: Proposal[] = [{ kind: "external-init", kemOutput: enc }, ...more];
  const items = proposals.map((proposal) => ({ kind: "proposal", proposal }) as const);
  const sender: Sender = { kind: "new-member-commit" };
  const { signer, credential } = newcomer;
  const base = { credential, capabilities, extensions: [] };
  return force({ ...inside, signer }, signer, sender, items, leaf, true, secret, base);
}

function force(
  who: Person,
  signer: KeyPair,
  sender: Sender,
  items: readonly ProposalOrRef[],
  forgery: LeafForgery,
  withPath: boolean,
  initSecret?: Uint8Array,
  newcomer?: Pick<LeafNode, "credential" | "capabilities" | "extensions">,
): Uint8Array {
  const { group } = who;
  const { state, groupId } = group;
  const proposals = resolveProposals(items, group.proposals, sender);
  const applied = applyProposals(state, proposals);
  const place =
    sender.kind === "member"
      ? { tree: applied.tree, leafIndex: sender.leafIndex }
      : withFreeLeaf(applied.tree);
  let { tree } = applied;
  let path: UpdatePath | undefined;
  let commitSecret: Uint8Array | undefined;
  const { extensions } = applied;
  if (withPath) {
    const old = newcomer ?? leafOf(state.tree, place.leafIndex);
    const made = createPath({
      crypto,
      tree: place.tree,
      leafIndex: place.leafIndex,
      groupId,
      signer,
      leaf: old,
    });
    const leafNode = forgeLeaf(
      made.leafNode,
      signer,
      { groupId, leafIndex: place.leafIndex },
      forgery,
    );
    tree = replaceLeaf(made.tree, place.leafIndex, leafNode, (parent) => parent);
    commitSecret = made.commitSecret;
    const context = groupContextBytes(provisionalContext(crypto, state, tree, extensions));
    const added = applied.added.map(({ leafIndex }) => leafIndex);
    path = { leafNode, nodes: sealed(made, context, added) };
  }
  const commit: Commit = { proposals: items, path };
  const content = framed(who, sender, { kind: "commit", commit });
  const wireFormat = "public";
  const contextBytes = groupContextBytes(state.context);
  const key = (forgery.key ?? signer).privateKey;
  const privateKey = newcomer ? key : signer.privateKey;
  const signature = signContent(crypto, suite(), { wireFormat, content, contextBytes, privateKey });
  const transcript = { wireFormat, content, signature } as const;
  const provisional = provisionalContext(crypto, state, tree, extensions);
  const { staged } = stageEpoch({
    crypto,
    context: contextAfter(crypto, suite(), state, provisional, transcript),
    tree,
    own: state.own,
    initSecret: initSecret ?? state.secrets.init,
    commitSecret,
    pskSecret: derivePskSecret(crypto, suite(), []),
    leavesBefore: new Map(),
    reinit: applied.reinit,
  });
  const { confirmationTag } = staged.state;
  return retag(group, { content, auth: { signature, confirmationTag } });
}

/** Seals to whatever can be sealed to; the rest gets noise, as a receiver only ever looks at its own. */
function sealed(made: NewPath, context: Uint8Array, added: readonly number[]): UpdatePath["nodes"] {
  const { tree } = made;
  const label = labels.mlsEncrypt.pathNode;
  const noise = { kemOutput: crypto.bytes(32), ciphertext: crypto.bytes(48) };
  return made.nodes.map(({ publicKey, copath, pathSecret }) => ({
    encryptionKey: publicKey,
    encryptedPathSecret: resolution(tree, copath).flatMap((target) => {
      if (target.level === 0 && added.includes(target.index / 2)) return [];
      const key = encryptionKeyOf(target) as Uint8Array;
      try {
        return [encryptWithLabel(crypto, tree.suite, key, label, context, pathSecret)];
      } catch {
        return [noise];
      }
    }),
  }));
}

function leafOf(tree: RatchetTree, leafIndex: number): LeafNode {
  const leaf = nodeAt(tree, 2 * leafIndex)?.leaf;
  invariant(leaf, "a member");
  return leaf;
}

function framed(who: Person, sender: Sender, content: FramedContent["content"]): FramedContent {
  const { groupId, epoch } = who.group;
  return { groupId, epoch, sender, authenticatedData: new Uint8Array(0), content };
}

function signed(
  who: Person,
  content: FramedContent,
  signer: KeyPair,
  confirmationTag: Uint8Array | undefined,
): Uint8Array {
  const { state } = who.group;
  const signature = signContent(crypto, suite(), {
    wireFormat: "public",
    content,
    contextBytes: groupContextBytes(state.context),
    privateKey: signer.privateKey,
  });
  return retag(who.group, { content, auth: { signature, confirmationTag } });
}
