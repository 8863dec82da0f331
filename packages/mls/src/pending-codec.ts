import type { CryptoProvider } from "@coterie/crypto";
import { badValue, Reader, Writer } from "./codec.ts";
import { MlsError } from "./errors.ts";
import type { ProposalInCommit, ProposalSender } from "./judge.ts";
import { readCredential, readLeafNode, writeCredential, writeLeafNode } from "./leaf-node.ts";
import { limits } from "./limits.ts";
import { pendingCommit } from "./pending.ts";
import type { PendingCommit } from "./pending.ts";
import { readProposal, writeProposal } from "./proposal.ts";
import {
  checkEpochState,
  readEpochState,
  readLeaves,
  readReInit,
  snapshotVersion,
  writeEpochState,
  writeLeaves,
} from "./snapshot-codec.ts";
import { readGroupContext, writeGroupContext } from "./welcome-types.ts";

/** A pending commit as bytes, to be stored before the commit is sent. They hold the secrets of the next epoch: store them encrypted. */
export function encodePending(pending: PendingCommit): Uint8Array {
  const { staged, committer } = pending;
  const w = new Writer(4_096);
  w.u8(snapshotVersion);
  w.opaque(pending.baseAuthenticator);
  writeGroupContext(w, pending.contextBefore);
  writeEpochState(w, staged.state);
  w.opaque(staged.encryptionSecret);
  writeLeaves(w, staged.leavesBefore);
  w.optional(staged.reinit, writeProposal);
  w.u32(committer.leafIndex);
  writeLeafNode(w, committer.leaf);
  w.u8(pending.external ? 1 : 0);
  w.vector(pending.proposals, writeProposalInCommit);
  w.optional(pending.pathLeaf, writeLeafNode);
  w.opaque(pending.authenticatedData);
  return w.finish();
}

/** What {@link encodePending} wrote, in this or an older version. Throws an {@link MlsError} for anything else. */
export function decodePending(crypto: CryptoProvider, bytes: Uint8Array): PendingCommit {
  const r = new Reader(new Uint8Array(bytes));
  const version = r.u8();
  if (version !== snapshotVersion) throw new MlsError("mls/snapshot-version", { version });
  const parts = {
    baseAuthenticator: r.opaque(),
    contextBefore: readGroupContext(r),
    staged: {
      state: readEpochState(r),
      encryptionSecret: r.opaque(),
      leavesBefore: readLeaves(r),
      reinit: r.optional(readReInit),
    },
    committer: { leafIndex: r.u32(), leaf: readLeafNode(r) },
    external: readFlag(r),
    proposals: r.vector(readProposalInCommit, limits.proposals),
    pathLeaf: r.optional(readLeafNode),
    authenticatedData: r.opaque(),
  };
  r.expectEnd();
  checkEpochState(crypto, parts.staged.state);
  return pendingCommit(parts);
}

function writeProposalInCommit(
  w: Writer,
  { proposal, sender, byReference }: ProposalInCommit,
): void {
  writeProposal(w, proposal);
  w.u8(byReference ? 1 : 0);
  if (sender.kind === "member") {
    w.u8(1);
    w.u32(sender.leafIndex);
    writeLeafNode(w, sender.leaf);
  } else if (sender.kind === "external") {
    w.u8(2);
    w.u32(sender.senderIndex);
    w.opaque(sender.signatureKey);
    writeCredential(w, sender.credential);
  } else w.u8(3);
}

function readProposalInCommit(r: Reader): ProposalInCommit {
  return { proposal: readProposal(r), byReference: readFlag(r), sender: readProposalSender(r) };
}

function readProposalSender(r: Reader): ProposalSender {
  const kind = r.u8();
  if (kind === 1) return { kind: "member", leafIndex: r.u32(), leaf: readLeafNode(r) };
  if (kind === 2) {
    return {
      kind: "external",
      senderIndex: r.u32(),
      signatureKey: r.opaque(),
      credential: readCredential(r),
    };
  }
  if (kind === 3) return { kind: "new-member" };
  throw badValue("sender", kind);
}

function readFlag(r: Reader): boolean {
  const flag = r.u8();
  if (flag > 1) throw badValue("flag", flag);
  return flag === 1;
}
