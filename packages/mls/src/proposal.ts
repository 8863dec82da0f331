import { unreachable } from "@coterie/base";
import type { Reader, Writer } from "./codec.ts";
import { readKeyPackage, writeKeyPackage } from "./key-package.ts";
import { readExtensions, readLeafNode, writeExtensions, writeLeafNode } from "./leaf-node.ts";
import { readPreSharedKeyId, writePreSharedKeyId } from "./psk-types.ts";
import { emptyProposalTypes, nameOf, proposalTypes } from "./registry.ts";
import { MlsError } from "./errors.ts";
import type { Proposal } from "./types.ts";

/** Registry number of a proposal's type. */
export function proposalType(proposal: Proposal): number {
  return proposal.kind === "custom" ? proposal.type : proposalTypes[proposal.kind];
}

/** Proposal (RFC 9420 §12.1): every kind, and any other as it came (MLS-02). */
export function writeProposal(w: Writer, proposal: Proposal): void {
  w.u16(proposalType(proposal));
  writeProposalBody(w, proposal);
}

export function readProposal(r: Reader): Proposal {
  return readProposalBody(r, r.u16());
}

/** What follows the type. */
export function writeProposalBody(w: Writer, proposal: Proposal): void {
  switch (proposal.kind) {
    case "add":
      return writeKeyPackage(w, proposal.keyPackage);
    case "update":
      return writeLeafNode(w, proposal.leafNode);
    case "remove":
      return w.u32(proposal.removed);
    case "psk":
      return writePreSharedKeyId(w, proposal.psk);
    case "reinit":
      w.opaque(proposal.groupId);
      w.u16(proposal.version);
      w.u16(proposal.cipherSuite);
      return writeExtensions(w, proposal.extensions);
    case "external-init":
      return w.opaque(proposal.kemOutput);
    case "group-context-extensions":
      return writeExtensions(w, proposal.extensions);
    case "custom":
      if (!emptyProposalTypes.has(proposal.type)) return w.opaque(proposal.data);
      if (proposal.data.length === 0) return undefined;
      throw new MlsError(
        "mls/bad-argument",
        { proposal: proposal.type },
        { disposition: "fix-caller" },
      );
    default:
      return unreachable(proposal);
  }
}

export function readProposalBody(r: Reader, type: number): Proposal {
  const kind = nameOf(proposalTypes, type);
  switch (kind) {
    case "add":
      return { kind, keyPackage: readKeyPackage(r) };
    case "update":
      return { kind, leafNode: readLeafNode(r) };
    case "remove":
      return { kind, removed: r.u32() };
    case "psk":
      return { kind, psk: readPreSharedKeyId(r) };
    case "reinit":
      return {
        kind,
        groupId: r.opaque(),
        version: r.u16(),
        cipherSuite: r.u16(),
        extensions: readExtensions(r),
      };
    case "external-init":
      return { kind, kemOutput: r.opaque() };
    case "group-context-extensions":
      return { kind, extensions: readExtensions(r) };
    case undefined:
      return {
        kind: "custom",
        type,
        data: emptyProposalTypes.has(type) ? new Uint8Array(0) : r.opaque(),
      };
    default:
      return unreachable(kind);
  }
}
