/** Every bound the node puts on what it reads or keeps, with its reason. Options of `createNode` may change them. */
export interface NodeLimits {
  /** Largest request (XND-05). */
  readonly requestBytes: number;
  /** Entries of one page (XND-37). */
  readonly pageEntries: number;
  /** History that a stream holds while its reader takes it, in bytes: there are many streams (F42). One entry may be larger. */
  readonly streamPageBytes: number;
  /** Bytes of one page, below the 25 MiB that released clients read (XND-03). */
  readonly pageBytes: number;
  /** Entries of one publish: they share a transaction. */
  readonly entriesPerPublish: number;
  /** One group message or welcome. Larger ones would be stored, and then be in nobody's power to read past. */
  readonly entryBytes: number;
  readonly keyPackageBytes: number;
  /** Things asked for in one request, and bytes of the answer to it (XND-03). */
  readonly keysPerRequest: number;
  readonly answerBytes: number;
  /** Updates of one inbox (XND-24). */
  readonly inboxUpdates: number;
  /** Actions and bytes of one update: a signature costs about a millisecond to check, and a whole log has to fit an answer. */
  readonly updateActions: number;
  readonly updateBytes: number;
  /** Contract signatures of one request, and how many of them are asked about at once: each is a call to a chain (XND-25). */
  readonly contractChecks: number;
  readonly contractChecksAtOnce: number;
  /** Commit log entries of one publish, and groups of one query (XND-41). */
  readonly commitLogPublish: number;
  readonly commitLogQuery: number;
  /** Topics of one subscription: each costs a read when it begins. */
  readonly subscriptionTopics: number;
  /** What one subscription may hold for a reader that lags, in messages and bytes (XND-39). */
  readonly queueMessages: number;
  readonly queueBytes: number;
  /** One archive in transit, and all of them together (XHS-06). */
  readonly archiveBytes: number;
  readonly archivesBytes: number;
}

const MiB = 1024 * 1024;

export const defaultLimits: NodeLimits = {
  requestBytes: 50 * MiB,
  pageEntries: 100,
  streamPageBytes: MiB / 8,
  pageBytes: 20 * MiB,
  entriesPerPublish: 4096,
  entryBytes: 20 * MiB,
  keyPackageBytes: MiB / 16,
  keysPerRequest: 100_000,
  answerBytes: 24 * MiB,
  inboxUpdates: 256,
  updateActions: 100,
  updateBytes: MiB / 16,
  contractChecks: 100,
  contractChecksAtOnce: 8,
  commitLogPublish: 10,
  commitLogQuery: 20,
  subscriptionTopics: 100_000,
  queueMessages: 8192,
  queueBytes: 16 * MiB,
  archiveBytes: 256 * MiB,
  archivesBytes: 8192 * MiB,
};
