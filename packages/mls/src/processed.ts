import type { CryptoProvider } from "@coterie/crypto";
import type { MlsError } from "./errors.ts";
import type { Group } from "./group.ts";
import type { CommitView, Judge, ProposalSender, Refusal } from "./judge.ts";
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
      /** How many messages of this sender and epoch before it were not seen (yet). */
      readonly skipped: number;
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
