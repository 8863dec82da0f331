import { extensionTypes } from "./registry.ts";
import { credentialType } from "./leaf-node.ts";
import type { RatchetTree } from "./tree.ts";
import { isEmpty } from "./tree-node.ts";
import type { Support, TreeNode } from "./tree-node.ts";
import type { Capabilities } from "./types.ts";

/** Proposal and extension types that need no listing (RFC 9420 §7.2) end here. */
const lastDefaultExtension = extensionTypes.externalSenders;
const lastDefaultProposal = 7;

/**
 * What all members support and which credential types they use. Kept in the nodes: after a change only one path is intersected
 * again, and where both children support the same, they share one object.
 */
export function supportOf(tree: RatchetTree): Support {
  return supportBelow(tree.root);
}

/** Whether every member supports an extension type; default ones need no listing (RFC 9420 §7.2). */
export function allSupportExtension(support: Support, type: number): boolean {
  return isDefaultExtension(type) || support.extensions.includes(type);
}

export function allSupportProposal(support: Support, type: number): boolean {
  return isDefaultProposal(type) || support.proposals.includes(type);
}

export function allSupportCredential(support: Support, type: number): boolean {
  return support.credentials.includes(type);
}

function isDefaultExtension(type: number): boolean {
  return type >= 1 && type <= lastDefaultExtension;
}

function isDefaultProposal(type: number): boolean {
  return type >= 1 && type <= lastDefaultProposal;
}

/** Capabilities are shared by the leaves that list the same, and so is what follows from them. */
const ofLeaves = new WeakMap<Capabilities, Support>();

/** One leaf's capabilities on their own. */
export function supportOfLeaf(capabilities: Capabilities, credentialInUse: number): Support {
  const known = ofLeaves.get(capabilities);
  if (known?.credentialsInUse[0] === credentialInUse) return known;
  const support: Support = {
    extensions: ascending(capabilities.extensions),
    proposals: ascending(capabilities.proposals),
    credentials: ascending(capabilities.credentials),
    credentialsInUse: [credentialInUse],
  };
  ofLeaves.set(capabilities, support);
  return support;
}

function supportBelow(node: TreeNode): Support {
  node.memo.support ??= computeSupport(node);
  return node.memo.support;
}

const noMembers: Support = {
  extensions: [],
  proposals: [],
  credentials: [],
  credentialsInUse: [],
};

function computeSupport(node: TreeNode): Support {
  if (node.leaf !== undefined) {
    return supportOfLeaf(node.leaf.capabilities, credentialType(node.leaf.credential));
  }
  if (isEmpty(node) || node.left === undefined || node.right === undefined) return noMembers;
  if (node.left.members === 0) return supportBelow(node.right);
  if (node.right.members === 0) return supportBelow(node.left);
  return both(supportBelow(node.left), supportBelow(node.right));
}

function both(a: Support, b: Support): Support {
  if (a === b) return a;
  const merged: Support = {
    extensions: intersect(a.extensions, b.extensions),
    proposals: intersect(a.proposals, b.proposals),
    credentials: intersect(a.credentials, b.credentials),
    credentialsInUse: unite(a.credentialsInUse, b.credentialsInUse),
  };
  if (sameSupport(merged, a)) return a;
  return sameSupport(merged, b) ? b : merged;
}

function sameSupport(a: Support, b: Support): boolean {
  return (
    a.extensions === b.extensions &&
    a.proposals === b.proposals &&
    a.credentials === b.credentials &&
    a.credentialsInUse === b.credentialsInUse
  );
}

/** Of two ascending lists; one of them itself where it is the answer. */
function intersect(a: readonly number[], b: readonly number[]): readonly number[] {
  if (a === b) return a;
  const out: number[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const x = a[i] as number;
    const y = b[j] as number;
    if (x === y) out.push(x);
    if (x <= y) i++;
    if (y <= x) j++;
  }
  if (out.length === a.length) return a;
  return out.length === b.length ? b : out;
}

function unite(a: readonly number[], b: readonly number[]): readonly number[] {
  if (a === b || b.every((value) => a.includes(value))) return a;
  if (a.every((value) => b.includes(value))) return b;
  return ascending([...a, ...b]);
}

function ascending(numbers: readonly number[]): readonly number[] {
  return [...new Set(numbers)].toSorted((a, b) => a - b);
}
