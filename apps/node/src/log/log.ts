/**
 * What the node keeps: four append-only logs (group messages, welcomes, identity updates, commit log), each with its own
 * counter, and two tables (key packages, identifiers). Everything the XMTP side knows of a database is in this port, so that
 * another engine can take SQLite's place; `conformance.ts` says what it has to hold.
 */

export interface NewGroupMessage {
  readonly groupId: Uint8Array;
  readonly data: Uint8Array;
  readonly senderHmac: Uint8Array;
  readonly shouldPush: boolean;
  readonly isCommit: boolean;
}

export interface GroupMessage extends NewGroupMessage {
  readonly id: bigint;
  readonly createdNs: bigint;
}

export interface NewWelcome {
  /** A pointer names where the one shared welcome of many joiners lies (XWL-08). */
  readonly kind: "v1" | "pointer";
  readonly installationKey: Uint8Array;
  /** The sealed welcome, or the sealed pointer. */
  readonly data: Uint8Array;
  readonly hpkePublicKey: Uint8Array;
  /** As it came on the wire: unknown numbers are kept. */
  readonly wrapperAlgorithm: number;
  /** Empty for pointers. */
  readonly welcomeMetadata: Uint8Array;
}

export interface Welcome extends NewWelcome {
  readonly id: bigint;
  readonly createdNs: bigint;
}

export interface NewCommitLogEntry {
  readonly groupId: Uint8Array;
  readonly entry: Uint8Array;
  readonly signature: Uint8Array;
  readonly publicKey: Uint8Array;
}

export interface CommitLogEntry extends NewCommitLogEntry {
  readonly id: bigint;
}

/** Which part of one topic to read. `cursor` is excluded; absent means from that direction's end. */
export interface PageQuery {
  readonly topic: Uint8Array;
  readonly direction: "ascending" | "descending";
  readonly cursor?: bigint | undefined;
  readonly limit: number;
  /** Ends the page early, after at least one entry, where the entries' contents would grow past it. */
  readonly maxBytes?: number | undefined;
}

export interface Page<Entry> {
  readonly entries: readonly Entry[];
  /** The limit, in number or bytes, ended the page: there may be more. */
  readonly full: boolean;
}

export interface IdentityLogEntry {
  readonly sequenceId: bigint;
  readonly serverTimestampNs: bigint;
  /** The encoded IdentityUpdate, as it was received. */
  readonly update: Uint8Array;
}

export type IdentifierKind = "ethereum" | "passkey";

/** What a person controls: a lower-case address, or the hex of a passkey's public key. */
export interface Identifier {
  readonly kind: IdentifierKind;
  readonly text: string;
}

export interface NewIdentityUpdate {
  readonly inboxId: string;
  readonly update: Uint8Array;
  /** The newest sequence id that the update was judged against; 0 for an empty log. */
  readonly expectedLast: bigint;
  readonly added: readonly Identifier[];
  readonly revoked: readonly Identifier[];
}

export type IdentityAppend =
  | { readonly kind: "appended"; readonly sequenceId: bigint }
  /** The log has moved on: read it and judge the update again. */
  | { readonly kind: "conflict" };

/** Counts of one append. A duplicate is stored once and acknowledged every time (XND-34). */
export interface Appended {
  readonly stored: number;
  readonly duplicates: number;
}

export interface PruneLimits {
  readonly messagesBeforeNs?: bigint | undefined;
  readonly welcomesBeforeNs?: bigint | undefined;
  readonly most: number;
}

export interface Pruned {
  readonly entries: number;
  readonly done: boolean;
}

/** Told of what was stored, after it became durable, in the order of the ids. Must not throw. */
export interface Watcher {
  groupMessages?(messages: readonly GroupMessage[]): void;
  welcomes?(welcomes: readonly Welcome[]): void;
}

/**
 * When a write resolves it is durable and visible to every later read; when it rejects, with a `NodeError` of a `node/storage…`
 * code, none of it was kept. Within one topic visibility order is id order and creation times strictly increase (XND-33).
 */
export interface NodeLog {
  appendGroupMessages(messages: readonly NewGroupMessage[]): Promise<Appended>;
  groupMessages(query: PageQuery): Promise<Page<GroupMessage>>;
  /** The newest message of each group, in the order asked. Without `content` the data and hmac are empty. */
  newestGroupMessages(
    groupIds: readonly Uint8Array[],
    options: { readonly content: boolean },
  ): Promise<(GroupMessage | undefined)[]>;

  appendWelcomes(welcomes: readonly NewWelcome[]): Promise<Appended>;
  welcomes(query: PageQuery): Promise<Page<Welcome>>;

  /** Keeps the newest key package of each installation (XKP-08). */
  putKeyPackage(installationKey: Uint8Array, keyPackage: Uint8Array): Promise<void>;
  keyPackages(installationKeys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;

  appendIdentityUpdate(update: NewIdentityUpdate): Promise<IdentityAppend>;
  /** All updates after a sequence id, ascending. */
  identityUpdates(inboxId: string, after: bigint): Promise<readonly IdentityLogEntry[]>;
  /** The inbox that each identifier belongs to now: its newest association that was not revoked (XND-20). */
  inboxIds(identifiers: readonly Identifier[]): Promise<(string | undefined)[]>;

  appendCommitLog(entries: readonly NewCommitLogEntry[]): Promise<void>;
  commitLog(query: PageQuery): Promise<Page<CommitLogEntry>>;

  /**
   * Deletes entries older than the limits, walking at most `most` of each log a call: application messages, never commits, welcomes,
   * and key packages that were not renewed (XND-43). `done` once nothing old is left to walk over.
   */
  prune(limits: PruneLimits): Promise<Pruned>;

  /** Returns the way to stop watching. */
  watch(watcher: Watcher): () => void;
  /** Waits for writes under way. Closing twice is harmless; everything else then fails with `node/closed`. */
  close(): Promise<void>;
}
