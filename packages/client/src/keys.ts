import { decodeKey, encodeKey, prefixRange } from "@coterie/storage";

interface KeyRange {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

/** Every table of the store, in one place. Hex ids are texts; sequence ids and times are numbers. */
export const keys = {
  /** Schema version, own identity, welcome cursor, HMAC root, counters. */
  meta: (name: string): Uint8Array => encodeKey("meta", name),
  group: (groupId: string): Uint8Array => encodeKey("g", groupId),
  groups: (): KeyRange => prefixRange("g"),
  progress: (groupId: string): Uint8Array => encodeKey("p", groupId),
  allProgress: (): KeyRange => prefixRange("p"),
  /** MLS snapshot entries of one group. */
  mls: (groupId: string, entry: string): Uint8Array => encodeKey("s", groupId, entry),
  mlsOf: (groupId: string): KeyRange => prefixRange("s", groupId),
  intent: (groupId: string, id: number): Uint8Array => encodeKey("i", groupId, BigInt(id)),
  intents: (): KeyRange => prefixRange("i"),
  intentsOf: (groupId: string): KeyRange => prefixRange("i", groupId),
  /** By time, then node order, then id. */
  message: (groupId: string, sentAtNs: bigint, sequenceId: bigint, id: string): Uint8Array =>
    encodeKey("m", groupId, sentAtNs, sequenceId, id),
  messagesOf: (groupId: string): KeyRange => prefixRange("m", groupId),
  messagesFrom: (groupId: string, sentAtNs: bigint): Uint8Array =>
    encodeKey("m", groupId, sentAtNs),
  /** Where a message row lies. */
  messageAt: (id: string): Uint8Array => encodeKey("mi", id),
  messagesById: (): KeyRange => prefixRange("mi"),
  /** Rows with an expiry, by time (XDS-04). */
  expiry: (expireAtNs: bigint, id: string): Uint8Array => encodeKey("x", expireAtNs, id),
  expiryId: (key: Uint8Array): string => decodeKey(key)[2] as string,
  expiries: (): KeyRange => prefixRange("x"),
  /** Message ids of a conversation by the time they were stored here, with where they lie. */
  inserted: (groupId: string, insertedAtNs: bigint, id: string): Uint8Array =>
    encodeKey("mt", groupId, insertedAtNs, id),
  insertedOf: (groupId: string): KeyRange => prefixRange("mt", groupId),
  insertedFrom: (groupId: string, insertedAtNs: bigint): Uint8Array =>
    encodeKey("mt", groupId, insertedAtNs),
  /** There where something hangs on a message or deletes it: most have nothing, and nothing is asked for them. */
  hanging: (target: string): Uint8Array => encodeKey("mh", target),
  /** Reactions and replies by the message that they hang on, in the order of sending. */
  relation: (target: string, kind: string, sentAtNs: bigint, id: string): Uint8Array =>
    encodeKey("mr", target, kind, sentAtNs, id),
  relationsOf: (target: string, kind: string): KeyRange => prefixRange("mr", target, kind),
  /** When somebody last said that they have read a conversation. */
  lastRead: (groupId: string, inboxId: string): Uint8Array => encodeKey("mo", groupId, inboxId),
  lastReadsOf: (groupId: string): KeyRange => prefixRange("mo", groupId),
  lastReadInbox: (key: Uint8Array): string => decodeKey(key)[2] as string,
  /** Per conversation: what one says of a message of another counts for nothing (XMS-09). */
  deletion: (target: string, groupId: string, by: string): Uint8Array =>
    encodeKey("d", target, groupId, by),
  deletionsOf: (target: string, groupId: string): KeyRange => prefixRange("d", target, groupId),
  commitLog: (groupId: string, number: number): Uint8Array =>
    encodeKey("l", groupId, BigInt(number)),
  commitLogOf: (groupId: string): KeyRange => prefixRange("l", groupId),
  /** What others published of a group's commits, by commit (XIN-42). */
  remoteLog: (groupId: string, commitSequenceId: bigint): Uint8Array =>
    encodeKey("lr", groupId, commitSequenceId),
  remoteLogOf: (groupId: string): KeyRange => prefixRange("lr", groupId),
  commitLogMark: (groupId: string): Uint8Array => encodeKey("lm", groupId),
  /** Verified states by inbox and update (XID-45). */
  associationState: (inboxId: string, sequenceId: bigint): Uint8Array =>
    encodeKey("a", inboxId, sequenceId),
  associationStatesOf: (inboxId: string): KeyRange => prefixRange("a", inboxId),
  keyPackage: (number: bigint): Uint8Array => encodeKey("k", number),
  keyPackages: (): KeyRange => prefixRange("k"),
  /** By init key and by wrapper key, hex (XKP-07). */
  keyPackageAt: (publicKey: string): Uint8Array => encodeKey("kw", publicKey),
  /** Installations that asked to be added again, and forks for which we asked (XIN-44). */
  readdRequest: (groupId: string, installationId: string): Uint8Array =>
    encodeKey("rq", groupId, installationId),
  readdRequests: (): KeyRange => prefixRange("rq"),
  readdAsked: (groupId: string): Uint8Array => encodeKey("ra", groupId),
  /** Welcomes that were dealt with, by id and content, as far as the log is looked through again. */
  welcomeSeen: (id: bigint, hash: string): Uint8Array => encodeKey("ws", id, hash),
  welcomesSeenTo: (id: bigint): Uint8Array => encodeKey("ws", id),
  welcomesSeen: (): KeyRange => prefixRange("ws"),
  consent: (type: number, entity: string): Uint8Array => encodeKey("c", String(type), entity),
  consents: (): KeyRange => prefixRange("c"),
  consentParts: (key: Uint8Array): [type: string, entity: string] => {
    const [, type, entity] = decodeKey(key);
    return [type as string, entity as string];
  },
  /** Changes of preferences that the other installations have yet to hear of, the newest by entity (XHS-05). */
  preferenceOutbox: (type: string, entity: string): Uint8Array => encodeKey("po", type, entity),
  /** Of the sync groups: how far they were acted on, which were seen, what was asked for, what is still to do. */
  deviceSync: (table: "cursor" | "seen" | "pin" | "asked" | "job", id: string): Uint8Array =>
    encodeKey("ds", table, id),
  deviceSyncAll: (table: "job"): KeyRange => prefixRange("ds", table),
  preferenceOutboxAll: (): KeyRange => prefixRange("po"),
  task: (id: string): Uint8Array => encodeKey("t", id),
  tasks: (): KeyRange => prefixRange("t"),
} as const;
