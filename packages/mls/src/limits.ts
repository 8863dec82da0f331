/**
 * What a decoder allocates for at most. Every length is also checked against the bytes that are there, so these bound counts of
 * small things and the work that follows, not memory that an attacker has not paid for in bytes.
 */
export const limits = {
  /** One MLSMessage, ratchet tree or snapshot entry. Ten thousand members with parents take about 6 MB. */
  structBytes: 67_108_864,
  /** Leaves of a tree, blank ones included. */
  leaves: 131_072,
  /** Nodes in an encoded ratchet tree. */
  treeNodes: 262_143,
  /** Proposals in one commit. */
  proposals: 65_536,
  /** Extensions in one list. */
  extensions: 1_024,
  /** Numbers in one capability list. */
  capabilities: 4_096,
  /** Certificates in one X.509 chain. */
  certificates: 64,
  /** Nodes of an update path: the depth of a tree with 2^32 leaves. */
  pathNodes: 32,
  /** Copies of one path secret: the resolution of a copath node. */
  ciphertexts: 131_072,
  /** Pre-shared keys of one epoch. */
  psks: 1_024,
  /** New members of one Welcome. */
  welcomeSecrets: 131_072,
} as const;
