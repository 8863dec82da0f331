/**
 * What a decoder allocates for at most. Every length is also checked against the bytes that are there, so these bound counts of
 * small things and the work that follows, not memory that an attacker has not paid for in bytes.
 */
export const limits = {
  /** One MLSMessage, ratchet tree or snapshot entry. Ten thousand members with parents take about 6 MB. */
  structBytes: 64 * 1024 * 1024,
  /** Leaves of a tree, blank ones included. */
  leaves: 1 << 17,
  /** Nodes in an encoded ratchet tree. */
  treeNodes: (1 << 18) - 1,
  /** Proposals in one commit. */
  proposals: 1 << 16,
  /** Extensions in one list. */
  extensions: 1 << 10,
  /** Numbers in one capability list. */
  capabilities: 1 << 12,
  /** Certificates in one X.509 chain. */
  certificates: 64,
  /** Nodes of an update path: the depth of a tree with 2^32 leaves. */
  pathNodes: 32,
  /** Copies of one path secret: the resolution of a copath node. */
  ciphertexts: 1 << 17,
  /** Pre-shared keys of one epoch. */
  psks: 1 << 10,
  /** New members of one Welcome. */
  welcomeSecrets: 1 << 17,
} as const;
