import { equal } from "@coterie/base";
import { CryptoError } from "@coterie/crypto";
import type { CryptoProvider } from "@coterie/crypto";
import { processCommit } from "./commit-process.ts";
import { MlsError } from "./errors.ts";
import type { Group } from "./group.ts";
import type { CommitView, Judge, ProposalSender, Refusal } from "./judge.ts";
import { decodeMlsMessage, peekMessage } from "./message.ts";
import { openMessage } from "./open-message.ts";
import { processProposal } from "./proposal-process.ts";
import type { ProposalRef } from "./proposals.ts";
import type { PskLookup } from "./psk-lookup.ts";
import type { Member } from "./tree.ts";
import type { Proposal } from "./types.ts";

export interface ProcessInput {
  readonly crypto: CryptoProvider;
  readonly group: Group;
  /** MLSMessage: a PublicMessage or PrivateMessage. */
  readonly message: Uint8Array;
  readonly judge: Judge;
  readonly psks?: PskLookup | undefined;
  /** Unix seconds, to check the lifetimes of key packages that are added. */
  readonly nowSeconds?: bigint | undefined;
}

export type Processed =
  /** MLS-04. */
  | {
      readonly kind: "message";
      readonly group: Group;
      readonly plaintext: Uint8Array;
      readonly authenticatedData: Uint8Array;
      /** As in the epoch of the message, which may be a past one. */
      readonly sender: Member;
      readonly epoch: bigint;
      readonly generation: number;
      readonly spent: readonly Uint8Array[];
    }
  | {
      readonly kind: "committed";
      readonly group: Group;
      readonly view: CommitView;
      /** We are no longer a member: the group only serves to read late messages. */
      readonly removed: boolean;
      readonly spent: readonly Uint8Array[];
    }
  | {
      readonly kind: "proposal";
      readonly group: Group;
      readonly ref: ProposalRef;
      readonly proposal: Proposal;
      readonly sender: ProposalSender;
      readonly spent: readonly Uint8Array[];
    }
  /** For good: by MLS (an {@link MlsError}) or by the judge. The group is as it was. */
  | { readonly kind: "refused"; readonly reason: MlsError | Refusal }
  /** The judge lacks something; process the same bytes again later. The group is as it was. */
  | { readonly kind: "waiting"; readonly for: unknown }
  /** Not for this group or not for this time: `mls/wrong-group`, `mls/wrong-epoch`, `mls/inactive`. */
  | { readonly kind: "ignored"; readonly reason: string; readonly epoch?: bigint }
  /** Sealed by ourselves: a commit to adopt, or a message or proposal that is there already. */
  | { readonly kind: "own" };

/**
 * Takes in one message. What is wrong with it never throws: it is an answer, and the group stays as it was. What only costs a look at the
 * header is decided before any cryptography.
 */
export function process(input: ProcessInput): Processed {
  // What is kept of a message are views of it: take a copy, and not by `slice`, which a Buffer answers with a view.
  const copied = { ...input, message: new Uint8Array(input.message) };
  return refusing(() => ignoredByHeader(copied) ?? processFramed(copied));
}

/** Runs a step and turns what is wrong with its input into an answer. Bugs are thrown. */
export function refusing<T>(
  step: () => T,
): T | { readonly kind: "refused"; readonly reason: MlsError } {
  try {
    return step();
  } catch (error) {
    if (error instanceof MlsError) return { kind: "refused", reason: error };
    if (error instanceof CryptoError) {
      return { kind: "refused", reason: new MlsError("mls/bad-crypto", {}, { cause: error }) };
    }
    throw error;
  }
}

function ignoredByHeader({ group, message }: ProcessInput): Processed | undefined {
  const { wireFormat, groupId, epoch, contentType } = peekMessage(message);
  if (
    (wireFormat !== "public" && wireFormat !== "private") ||
    groupId === undefined ||
    epoch === undefined ||
    contentType === undefined
  ) {
    throw new MlsError("mls/wrong-wire-format", { wireFormat });
  }
  if (!equal(groupId, group.groupId)) return { kind: "ignored", reason: "mls/wrong-group", epoch };
  if (contentType !== "application") {
    if (epoch !== group.epoch) return { kind: "ignored", reason: "mls/wrong-epoch", epoch };
    if (group.status.kind !== "active") return { kind: "ignored", reason: "mls/inactive", epoch };
    return undefined;
  }
  const known =
    epoch === group.epoch || group.past.some(({ record }) => record.context.epoch === epoch);
  return known ? undefined : { kind: "ignored", reason: "mls/wrong-epoch", epoch };
}

function processFramed(input: ProcessInput): Processed {
  const { crypto, group } = input;
  const decoded = decodeMlsMessage(input.message);
  if (decoded.kind !== "public" && decoded.kind !== "private") {
    throw new MlsError("mls/wrong-wire-format", { wireFormat: decoded.kind });
  }
  const opened = openMessage(crypto, group, decoded);
  if (opened.kind === "own") return opened;
  const { message } = opened;
  const { content } = message.content;
  if (content.kind === "commit") return processCommit(input, opened, content.commit);
  if (content.kind === "proposal") return processProposal(input, opened, content.proposal);
  // RFC 9420 §6: application data is always encrypted, so it comes from a member.
  const { sender, generation, spent } = opened;
  if (sender.kind !== "member" || generation === undefined) {
    throw new MlsError("mls/application-in-public");
  }
  return {
    kind: "message",
    group: opened.group,
    plaintext: content.data,
    authenticatedData: message.content.authenticatedData,
    sender: { leafIndex: sender.leafIndex, leaf: sender.leaf },
    epoch: message.content.epoch,
    generation,
    spent,
  };
}
