/** Default cap of every `decode`, and of a request at the node: the largest one it takes (XND-05). */
export const maxDecodedBytes: number = 52_428_800;

/** Every size limit of the XMTP wire with the rule it comes from. Bytes unless the name says otherwise. */
export const limits = {
  /** A request to the node; larger ones get RESOURCE_EXHAUSTED (XND-05). */
  requestBytes: 52_428_800,
  /** A response that a client accepts (XND-03). */
  responseBytes: 26_214_400,
  /** Identity updates of one inbox; the log is full then (XID-33, XND-24). */
  updatesPerInbox: 256,
  /** Installations of one inbox; an eleventh is not registered, existing states are not refused (XID-33). */
  installationsPerInbox: 10,
  /** Inboxes asked for in one GetIdentityUpdates (XID-45). */
  inboxesPerUpdatesRequest: 50,
  /** Messages on one page of a query, and what the node uses for any other number (XND-37). */
  pageSize: 100,
  /** Entries in one BatchPublishCommitLog (XND-41). */
  commitLogEntriesPerPublish: 10,
  /** Groups in one BatchQueryCommitLog (XND-41). */
  commitLogGroupsPerQuery: 20,
  /** UTF-8 bytes of mutable metadata, checked before queueing and in XCV-05 (XGC-37). */
  groupNameBytes: 100,
  groupDescriptionBytes: 1000,
  groupImageUrlBytes: 2048,
  appDataBytes: 8192,
  /** Inboxes of a group unless the app sets another maximum; receivers never check. */
  groupInboxes: 400,
  /** A group id (XGC-02). */
  groupIdBytes: 16,
  /** Ed25519 public key: the id of an installation. */
  installationIdBytes: 32,
  /** Hex digits of an inbox id (XID-01). */
  inboxIdDigits: 64,
  /** Keys of the push HMAC: HKDF output and root alike (XPU-01, XPU-03). */
  hmacKeyBytes: 42,
} as const;
