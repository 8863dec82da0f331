import type { GroupId, MessageId } from "@coterie/base";
import type { Group as MlsGroup } from "@coterie/mls";
import type { PolicySet } from "@coterie/policy";
import type {
  ConsentEntityType,
  ConsentState,
  DeliveryStatus,
  GroupMessageKind,
} from "../enums.ts";

export type ConversationKind = "group" | "dm" | "sync" | "oneshot";
export type MembershipState = "allowed" | "rejected" | "pending" | "restored" | "pending-remove";

/** The mutable metadata extension 0xff00 (XGC-21). */
export interface MutableMetadata {
  readonly attributes: ReadonlyMap<string, string>;
  readonly admins: readonly string[];
  readonly superAdmins: readonly string[];
}

/** What is stored of a conversation beside its MLS state. Changes with epochs, not with messages. */
export interface GroupRecord {
  readonly id: GroupId;
  readonly conversationType: ConversationKind;
  readonly createdAtNs: bigint;
  readonly creatorInboxId: string;
  readonly addedByInboxId: string;
  readonly membershipState: MembershipState;
  /** False once our own leaf was removed (XCV-25). */
  readonly active: boolean;
  readonly dmId?: string | undefined;
  readonly dmMembers?: readonly [string, string] | undefined;
  readonly welcomeId?: bigint | undefined;
  /** Set while a newer version is asked for (XIN-30). */
  readonly pausedForVersion?: string | undefined;
  /** Set when a message of a later epoch hinted at a fork (XIN-40); only reported. */
  readonly forkDetails?: string | undefined;
  /** The epoch of that message. */
  readonly forkEpoch?: bigint | undefined;
  /** XIN-43: what the members' commit logs say; undefined where they say nothing. */
  readonly commitLogForked?: boolean | undefined;
  /** The epoch that a welcome led into; until it is left, commits of other epochs say nothing (XIN-41). */
  readonly welcomedEpoch?: bigint | undefined;
  /** Inboxes that asked to leave (XLV-02). */
  readonly pendingLeaves: readonly string[];
  /** Installations whose leaves claimed an inbox that never admitted them: nothing they say is taken (XGC-12). */
  readonly impostors?: readonly string[] | undefined;
  /** XDM-04: a welcome whose permissions are not the DM preset; only reported. */
  readonly policyMismatch?: boolean | undefined;
  /** Copies of 0xff00 and 0xff02 as in force, so that lists need no MLS state. */
  readonly metadata: MutableMetadata;
  readonly policy: PolicySet;
}

export interface AheadMark {
  readonly id: bigint;
  /** The first eight bytes of the SHA-256, hex. */
  readonly hash: string;
}

/**
 * A reason to read a part of the log again. The node is trusted for order and availability alone: what it kept back, numbered
 * wrongly or answered for another group must not be lost once it says the truth. Whatever is read twice MLS tells apart: a commit
 * counts in one epoch, a message key opens once.
 */
export interface Doubt {
  /**
   * `epoch`: a commit is missing. `gap`: something is missing or did not open. `cursor`: the log is not where we stopped reading.
   * `routine`: no reason but time.
   */
  readonly kind: "routine" | "gap" | "epoch" | "cursor";
  /** Sequence id after which to read, and how far that came. */
  readonly from: bigint;
  readonly at: bigint;
  readonly attempts: number;
  readonly nextNs: bigint;
}

/** What moves with every envelope. */
export interface Progress {
  readonly commitCursor: bigint;
  readonly messageCursor: bigint;
  /** What a stream has already processed above the cursors (XST-03): sequence id and content, as a node may lie about ids. */
  readonly ahead: readonly AheadMark[];
  /** When the last envelope read was stored, by the node's clock: the same number with another time is another envelope. */
  readonly cursorCreatedNs?: bigint | undefined;
  /** Ids of the commits that began the last epochs, oldest first. */
  readonly epochStarts?: readonly bigint[] | undefined;
  readonly doubt?: Doubt | undefined;
  /** Everything up to this id was looked at twice, and when that was. */
  readonly lookedBack?: { readonly upTo: bigint; readonly atNs: bigint } | undefined;
  /** A commit that names an identity update which the node does not show (yet), and since when it waits (XCV-11). */
  readonly held?: { readonly sequenceId: bigint; readonly sinceNs: bigint } | undefined;
  /** When the cursors were last compared with what the node says is newest. */
  readonly cursorCheckedAtNs?: bigint | undefined;
  /** 0 asks for a key update before the next send (XIN-14, XWL-23). */
  readonly rotatedAtNs: bigint;
  readonly installationsCheckedAtNs: bigint;
  readonly lastMessageNs?: bigint | undefined;
  readonly nextIntent: number;
  readonly nextLogEntry: number;
}

export type AdminAction = "add-admin" | "remove-admin" | "add-super-admin" | "remove-super-admin";

/** What is wished for; everything else of an intent is rebuilt from it when a race is lost. */
export type Wish =
  | {
      readonly kind: "send-message";
      readonly messageId: MessageId;
      /** The encoded PlaintextEnvelope. */
      readonly envelope: Uint8Array;
      readonly shouldPush: boolean;
    }
  | { readonly kind: "key-update" }
  | { readonly kind: "metadata"; readonly field: string; readonly value: string }
  /** A pin put in or taken out of whatever `app_data` is when the commit is built (§13). */
  | { readonly kind: "pin"; readonly messageId: string; readonly pinned: boolean }
  | {
      readonly kind: "membership";
      readonly add: readonly string[];
      readonly remove: readonly string[];
    }
  | { readonly kind: "admin-list"; readonly action: AdminAction; readonly inboxId: string }
  | {
      readonly kind: "permission";
      readonly update: number;
      readonly policy: number;
      readonly field?: string | undefined;
    }
  | { readonly kind: "readd"; readonly installations: readonly string[] };

/** An installation that a commit of ours adds, and how its welcome is wrapped (XKP-13). */
export interface Recipient {
  readonly installationId: string;
  readonly wrapperKey: Uint8Array;
  readonly wrapperAlgorithm: number;
  readonly pointerCapable: boolean;
}

/** The bytes of an intent that were, or are about to be, sent, with all that their echo will need (XIN-03). */
export interface Sealed {
  readonly payload: Uint8Array;
  /** SHA-256 of the payload, hex (XIN-09). */
  readonly hash: string;
  readonly epoch: bigint;
  /** Encoded pending commit; absent for application messages. */
  readonly pending?: Uint8Array | undefined;
  readonly welcome?: Uint8Array | undefined;
  readonly recipients: readonly Recipient[];
  /** The node answered that it has the bytes; otherwise they may or may not have arrived (XIN-24). */
  readonly confirmed: boolean;
  /** When it answered so: an echo that does not come makes it doubtful again (XIN-12). */
  readonly confirmedAtNs?: bigint | undefined;
}

export interface Intent {
  readonly id: number;
  readonly wish: Wish;
  readonly createdAtNs: bigint;
  readonly attempts: number;
  readonly state:
    | { readonly kind: "to-publish" }
    | { readonly kind: "published"; readonly sealed: Sealed }
    /** Seen back and applied; its welcomes are still to be sent. */
    | { readonly kind: "committed"; readonly sealed: Sealed; readonly sequenceId: bigint }
    /** Given up, but its bytes may have arrived: kept so that their echo is known (XIN-24). */
    | { readonly kind: "error"; readonly sealed: Sealed };
}

/** One conversation in memory: an immutable value; a step returns the next one. */
export interface GroupState {
  readonly record: GroupRecord;
  readonly progress: Progress;
  /** Absent for restored conversations, whose history is all we have (XHS-10). */
  readonly mls: MlsGroup | undefined;
  /** Open intents by ascending id. Finished ones are deleted. */
  readonly intents: readonly Intent[];
}

export interface ContentTypeId {
  readonly authorityId: string;
  readonly typeId: string;
  readonly versionMajor: number;
  readonly versionMinor: number;
}

export interface MessageRow {
  readonly id: MessageId;
  readonly groupId: GroupId;
  readonly senderInboxId: string;
  readonly senderInstallationId: string;
  readonly kind: GroupMessageKind;
  /** The encoded EncodedContent. */
  readonly content: Uint8Array;
  readonly contentType: ContentTypeId | undefined;
  /** Local clock while unpublished, then the node's (XMS-05). */
  readonly sentAtNs: bigint;
  readonly insertedAtNs: bigint;
  readonly deliveryStatus: DeliveryStatus;
  readonly sequenceId?: bigint | undefined;
  readonly expireAtNs?: bigint | undefined;
  /** What an own message needs to be sealed again (XMS-02, XIN-19). */
  readonly idempotencyKey?: string | undefined;
  /** The sender's choice, where there was one. */
  readonly shouldPush?: boolean | undefined;
}

export interface ConsentRecord {
  readonly state: ConsentState;
  readonly consentedAtNs: bigint;
}

/** A change of what the installations of an inbox share (XCO-03, XPU-07). Holds a secret where it is a root: not for logs. */
export type PreferenceChange =
  | {
      readonly kind: "consent";
      readonly entityType: ConsentEntityType;
      readonly entity: string;
      readonly state: ConsentState;
      readonly consentedAtNs: bigint;
    }
  | { readonly kind: "hmac-root"; readonly key: Uint8Array; readonly cycledAtNs: bigint };

/** Results of commits by their numbers on the wire (§2.4). */
export const CommitResult = { applied: 1, wrongEpoch: 2, undecryptable: 3, invalid: 4 } as const;

/** XIN-41. Ids and authenticators only. */
export interface CommitLogRow {
  readonly sequenceId: bigint;
  readonly lastAuthenticator: Uint8Array;
  readonly appliedAuthenticator: Uint8Array;
  readonly appliedEpoch: bigint;
  readonly result: number;
  readonly type: string;
  readonly sender?: string | undefined;
  /** Code and rule of what stood against it. */
  readonly error?: string | undefined;
  readonly rule?: string | undefined;
}

/** What a step tells the outside, after everything it wrote is durable. */
export type EngineEvent =
  | { readonly kind: "message"; readonly groupId: GroupId; readonly message: MessageRow }
  | { readonly kind: "conversation"; readonly groupId: GroupId }
  | {
      readonly kind: "refused";
      /** `welcome` ids and group message ids are different counters. */
      readonly what: "commit" | "proposal" | "message" | "welcome" | "envelope";
      readonly groupId?: GroupId | undefined;
      readonly sequenceId: bigint;
      readonly code: string;
      readonly rule?: string | undefined;
    }
  /** Something that it needs has not come yet; it is tried again. */
  | {
      readonly kind: "waiting";
      readonly what: "commit" | "welcome";
      readonly groupId?: GroupId | undefined;
      readonly sequenceId: bigint;
      readonly rule: string;
    }
  /** Messages of one sender before this one have not come; they are looked for again. */
  | {
      readonly kind: "gap";
      readonly groupId: GroupId;
      readonly sequenceId: bigint;
      readonly senderInboxId: string;
      readonly missing: number;
    }
  | { readonly kind: "removed"; readonly groupId: GroupId }
  | {
      readonly kind: "device-sync";
      readonly what: "group-joined" | "archive-sent" | "archive-imported" | "job-failed";
      readonly groupId?: GroupId | undefined;
      /** Of the request for the archive. */
      readonly pin?: string | undefined;
      readonly code?: string | undefined;
    }
  | {
      readonly kind: "preferences";
      /** Whether this installation made the change or another one did. */
      readonly origin: "here" | "elsewhere";
      readonly changes: readonly PreferenceChange[];
    }
  | { readonly kind: "paused"; readonly groupId: GroupId; readonly version: string }
  /** The members' commit logs disagree about the epoch that we are in (XIN-43). */
  | { readonly kind: "forked"; readonly groupId: GroupId }
  | {
      /** Expired, deleted for all, or deleted here. */
      readonly kind: "deleted";
      readonly groupId: GroupId;
      readonly messageId: MessageId;
      /** As it was. */
      readonly message: MessageRow;
    }
  | {
      readonly kind: "intent";
      readonly groupId: GroupId;
      readonly intentId: number;
      readonly outcome: "done" | "failed";
      readonly error?: unknown;
    };
