import { badValue } from "./codec.ts";
import type { Reader, Writer } from "./codec.ts";
import { readLeafNode, writeLeafNode } from "./leaf-node.ts";
import { limits } from "./limits.ts";
import { readProposal, writeProposal } from "./proposal.ts";
import type { Commit, HpkeCiphertext, ProposalOrRef, UpdatePath, UpdatePathNode } from "./types.ts";

export function writeHpkeCiphertext(w: Writer, sealed: HpkeCiphertext): void {
  w.opaque(sealed.kemOutput);
  w.opaque(sealed.ciphertext);
}

export function readHpkeCiphertext(r: Reader): HpkeCiphertext {
  return { kemOutput: r.opaque(), ciphertext: r.opaque() };
}

function writeUpdatePathNode(w: Writer, node: UpdatePathNode): void {
  w.opaque(node.encryptionKey);
  w.vector(node.encryptedPathSecret, writeHpkeCiphertext);
}

function readUpdatePathNode(r: Reader): UpdatePathNode {
  return {
    encryptionKey: r.opaque(),
    encryptedPathSecret: r.vector(readHpkeCiphertext, limits.ciphertexts),
  };
}

/** UpdatePath (RFC 9420 §7.6). */
export function writeUpdatePath(w: Writer, path: UpdatePath): void {
  writeLeafNode(w, path.leafNode);
  w.vector(path.nodes, writeUpdatePathNode);
}

export function readUpdatePath(r: Reader): UpdatePath {
  return { leafNode: readLeafNode(r), nodes: r.vector(readUpdatePathNode, limits.pathNodes) };
}

function writeProposalOrRef(w: Writer, item: ProposalOrRef): void {
  if (item.kind === "proposal") {
    w.u8(1);
    writeProposal(w, item.proposal);
  } else {
    w.u8(2);
    w.opaque(item.reference);
  }
}

function readProposalOrRef(r: Reader): ProposalOrRef {
  const type = r.u8();
  if (type === 1) return { kind: "proposal", proposal: readProposal(r) };
  if (type === 2) return { kind: "reference", reference: r.opaque() };
  throw badValue("proposal_or_ref", type);
}

/** Commit (RFC 9420 §12.4). */
export function writeCommit(w: Writer, commit: Commit): void {
  w.vector(commit.proposals, writeProposalOrRef);
  w.optional(commit.path, writeUpdatePath);
}

export function readCommit(r: Reader): Commit {
  return {
    proposals: r.vector(readProposalOrRef, limits.proposals),
    path: r.optional(readUpdatePath),
  };
}
