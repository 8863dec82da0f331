import type { GroupId, InboxId, InstallationId, MessageId } from "@coterie/base";
import type { CryptoProvider, KeyPair } from "@coterie/crypto";
import type { IdentityView } from "./membership.ts";
import type { CommitLogRow, EngineEvent, GroupState, Intent, MessageRow } from "./state.ts";

/** What every step may use. Time is a reading, not a clock. */
export interface StepEnv {
  readonly crypto: CryptoProvider;
  /** The installation's Ed25519 key. */
  readonly signer: KeyPair;
  readonly ownInboxId: InboxId;
  readonly ownInstallationId: InstallationId;
  readonly identity: IdentityView;
  readonly nowNs: bigint;
  /** Wait for identity updates that the node does not show yet, instead of refusing what names them (XCV-11). */
  readonly patient?: boolean | undefined;
}

/** One change of the message table. */
export type MessageChange =
  /** Inserted unless a message with this id is there already (XMS-04). */
  | {
      readonly kind: "insert";
      readonly row: MessageRow;
      /** XCV-23: not where a transcript of this group already says the same. */
      readonly unlessSaid?: boolean | undefined;
    }
  | {
      readonly kind: "publish";
      readonly id: MessageId;
      readonly sentAtNs: bigint;
      readonly sequenceId: bigint;
      readonly expireAtNs?: bigint | undefined;
    }
  | { readonly kind: "fail"; readonly id: MessageId }
  /** Unpublished again: it failed, and is queued anew (XIN-19). */
  | { readonly kind: "retry"; readonly id: MessageId }
  | { readonly kind: "delete"; readonly id: MessageId };

/** A deletion for all (XMS-09): kept apart, as it may come before its target. */
export interface Deletion {
  readonly target: MessageId;
  /** Where it was said: it counts for messages of this conversation alone. */
  readonly groupId: GroupId;
  readonly by: string;
  readonly bySuperAdmin: boolean;
}

/** What one step leads to: the next state, what goes into the store with it in one batch, and what is told afterwards. */
export interface Step {
  readonly state: GroupState;
  readonly messages: readonly MessageChange[];
  readonly log: readonly CommitLogRow[];
  readonly deletions: readonly Deletion[];
  readonly events: readonly EngineEvent[];
  /** Secrets of the state before, to be wiped once the state after is stored. */
  readonly spent: readonly Uint8Array[];
}

/** A step that changes nothing but the state. */
export function stepTo(state: GroupState, more: Partial<Omit<Step, "state">> = {}): Step {
  return { messages: [], log: [], deletions: [], events: [], spent: [], ...more, state };
}

/** Two steps as one, `then` taken from the state of `first`: stored in one batch, told in their order. */
export function mergeSteps(first: Step, then: Step): Step {
  return {
    state: then.state,
    messages: [...first.messages, ...then.messages],
    log: [...first.log, ...then.log],
    deletions: [...first.deletions, ...then.deletions],
    events: [...first.events, ...then.events],
    spent: [...first.spent, ...then.spent],
  };
}

/** The state with one intent replaced. */
export function withIntent(state: GroupState, intent: Intent): GroupState {
  return {
    ...state,
    intents: state.intents.map((other) => (other.id === intent.id ? intent : other)),
  };
}

/** The state without one intent. */
export function withoutIntent(state: GroupState, id: number): GroupState {
  return { ...state, intents: state.intents.filter((intent) => intent.id !== id) };
}
