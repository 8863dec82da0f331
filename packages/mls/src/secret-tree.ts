import { invariant, toUtf8 } from "@coterie/base";
import { labels } from "@coterie/crypto";
import type { CipherSuite, CryptoProvider } from "@coterie/crypto";
import { expandWithLabel } from "./crypto-labels.ts";
import { MlsError } from "./errors.ts";
import { newRatchet } from "./ratchet.ts";
import type { Ratchet } from "./ratchet.ts";

/**
 * One epoch's secret tree (RFC 9420 §9) with only those parts expanded that somebody sent from. A node whose secret was used
 * holds it no more: it became a branch, or the two ratchets of a member. Immutable; a step copies one path.
 */
export type SecretNode =
  | { readonly kind: "secret"; readonly secret: Uint8Array }
  | { readonly kind: "branch"; readonly left: SecretNode; readonly right: SecretNode }
  | { readonly kind: "member"; readonly handshake: Ratchet; readonly application: Ratchet };

export interface SecretTree {
  /** A power of two: the width of the ratchet tree. */
  readonly leafCount: number;
  readonly root: SecretNode;
}

export type RatchetKind = "handshake" | "application";

const names = labels.mlsSecret;
const leftContext = toUtf8(names.left);
const rightContext = toUtf8(names.right);
const none = new Uint8Array(0);

export function createSecretTree(encryptionSecret: Uint8Array, leafCount: number): SecretTree {
  return { leafCount, root: { kind: "secret", secret: encryptionSecret } };
}

/** The ratchet of one sender, with all secrets derived on the way down, and the secrets this consumed. */
export function findRatchet(
  crypto: CryptoProvider,
  suite: CipherSuite,
  tree: SecretTree,
  leaf: number,
  kind: RatchetKind,
): { readonly ratchet: Ratchet; readonly tree: SecretTree; readonly spent: readonly Uint8Array[] } {
  if (!(leaf < tree.leafCount)) throw new MlsError("mls/unknown-sender", { leaf });
  const spent: Uint8Array[] = [];
  let found: Ratchet | undefined;
  const down = (node: SecretNode, first: number, width: number): SecretNode => {
    if (node.kind === "member") {
      found = node[kind];
      return node;
    }
    if (width === 1) {
      invariant(node.kind === "secret", "a branch of the secret tree has two leaves or more");
      const member = expandMember(crypto, suite, node.secret);
      spent.push(node.secret);
      found = member[kind];
      return member;
    }
    if (node.kind === "secret") spent.push(node.secret);
    const branch = node.kind === "secret" ? expandBranch(crypto, suite, node.secret) : node;
    const half = width / 2;
    const middle = first + half;
    if (leaf < middle) return replaceChild(branch, "left", down(branch.left, first, half));
    return replaceChild(branch, "right", down(branch.right, middle, half));
  };
  const root = down(tree.root, 0, tree.leafCount);
  invariant(found, "the walk ends at a member");
  return { ratchet: found, tree: root === tree.root ? tree : { ...tree, root }, spent };
}

/** The tree with one sender's ratchet moved on. The member must be expanded already. */
export function withRatchet(
  tree: SecretTree,
  leaf: number,
  kind: RatchetKind,
  ratchet: Ratchet,
): SecretTree {
  const down = (node: SecretNode, first: number, width: number): SecretNode => {
    if (node.kind === "member") return { ...node, [kind]: ratchet };
    invariant(node.kind === "branch", "only an expanded member has a ratchet to replace");
    const half = width / 2;
    const middle = first + half;
    if (leaf < middle) return { ...node, left: down(node.left, first, half) };
    return { ...node, right: down(node.right, middle, half) };
  };
  return { ...tree, root: down(tree.root, 0, tree.leafCount) };
}

/** Every secret that is still held, for wiping a tree that goes out of use. */
export function secretsOf(tree: SecretTree): Uint8Array[] {
  const out: Uint8Array[] = [];
  const visit = (node: SecretNode): void => {
    if (node.kind === "secret") out.push(node.secret);
    else if (node.kind === "branch") {
      visit(node.left);
      visit(node.right);
    } else {
      for (const ratchet of [node.handshake, node.application]) {
        out.push(ratchet.secret);
        for (const skipped of ratchet.skipped) out.push(skipped.key, skipped.nonce);
      }
    }
  };
  visit(tree.root);
  return out;
}

/** Wipes what a step from `before` derived that is not taken after all: the later tree, and secrets beside it. */
export function undo(before: SecretTree, after: SecretTree, beside: readonly Uint8Array[]): void {
  if (before === after && beside.length === 0) return;
  const kept = new Set(secretsOf(before));
  for (const secret of [...secretsOf(after), ...beside]) if (!kept.has(secret)) secret.fill(0);
}

type Branch = SecretNode & { kind: "branch" };

function replaceChild(branch: Branch, side: "left" | "right", child: SecretNode): Branch {
  return branch[side] === child ? branch : { ...branch, [side]: child };
}

function expandBranch(crypto: CryptoProvider, suite: CipherSuite, secret: Uint8Array): Branch {
  const child = (context: Uint8Array): SecretNode => ({
    kind: "secret",
    secret: expandWithLabel(crypto, suite, secret, names.tree, context, suite.hashLength),
  });
  return { kind: "branch", left: child(leftContext), right: child(rightContext) };
}

function expandMember(
  crypto: CryptoProvider,
  suite: CipherSuite,
  secret: Uint8Array,
): SecretNode & { kind: "member" } {
  const root = (label: RatchetKind): Ratchet =>
    newRatchet(expandWithLabel(crypto, suite, secret, names[label], none, suite.hashLength));
  return { kind: "member", handshake: root("handshake"), application: root("application") };
}
