import { decodeKey, encodeKey, prefixRange } from "@coterie/storage";

/** Every table of the store, in one place. Hex ids are texts; sequence ids and times are numbers. */
export const keys = {
  /** Schema version, own identity, welcome cursor, HMAC root, counters. */
  meta: (name: string) => encodeKey("meta", name),
  group: (groupId: string) => encodeKey("g", groupId),
  groups: () => prefixRange("g"),
  progress: (groupId: string) => encodeKey("p", groupId),
  /** MLS snapshot entries of one group. */
  mls: (groupId: string, entry: string) => encodeKey("s", groupId, entry),
  mlsOf: (groupId: string) => prefixRange("s", groupId),
  intent: (groupId: string, id: number) => encodeKey("i", groupId, BigInt(id)),
  intentsOf: (groupId: string) => prefixRange("i", groupId),
  /** By time, then node order, then id. */
  message: (groupId: string, sentAtNs: bigint, sequenceId: bigint, id: string) =>
    encodeKey("m", groupId, sentAtNs, sequenceId, id),
  messagesOf: (groupId: string) => prefixRange("m", groupId),
  messagesFrom: (groupId: string, sentAtNs: bigint) => encodeKey("m", groupId, sentAtNs),
  /** Where a message row lies. */
  messageAt: (id: string) => encodeKey("mi", id),
  /** Rows with an expiry, by time (XDS-04). */
  expiry: (expireAtNs: bigint, id: string) => encodeKey("x", expireAtNs, id),
  expiryId: (key: Uint8Array) => decodeKey(key)[2] as string,
  expiries: () => prefixRange("x"),
  deletion: (target: string, by: string) => encodeKey("d", target, by),
  deletionsOf: (target: string) => prefixRange("d", target),
  commitLog: (groupId: string, number: number) => encodeKey("l", groupId, BigInt(number)),
  commitLogOf: (groupId: string) => prefixRange("l", groupId),
  /** Verified states by inbox and update (XID-45). */
  associationState: (inboxId: string, sequenceId: bigint) => encodeKey("a", inboxId, sequenceId),
  associationStatesOf: (inboxId: string) => prefixRange("a", inboxId),
  keyPackage: (number: bigint) => encodeKey("k", number),
  keyPackages: () => prefixRange("k"),
  /** By init key and by wrapper key, hex (XKP-07). */
  keyPackageAt: (publicKey: string) => encodeKey("kw", publicKey),
  consent: (type: number, entity: string) => encodeKey("c", String(type), entity),
  consents: () => prefixRange("c"),
  task: (id: string) => encodeKey("t", id),
  tasks: () => prefixRange("t"),
} as const;
