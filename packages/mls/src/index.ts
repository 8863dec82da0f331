// Values and their bytes.
export { MlsError } from "./errors.ts";
export type { MlsErrorCode } from "./errors.ts";
export type {
  AuthenticatedContent,
  Capabilities,
  Commit,
  Content,
  ContentType,
  Credential,
  Extension,
  FramedContent,
  GroupContext,
  GroupInfo,
  KeyPackage,
  LeafNode,
  LeafNodeSource,
  Lifetime,
  MlsMessage,
  ParentNode,
  PreSharedKeyId,
  Proposal,
  ProposalOrRef,
  ResumptionUsage,
  Sender,
  UpdatePath,
  Welcome,
  WireFormat,
} from "./types.ts";
export { credentialTypes, extensionTypes, mls10, proposalTypes } from "./registry.ts";
export { limits } from "./limits.ts";
export { decodeMlsMessage, encodeMlsMessage, peekMessage } from "./message.ts";
export type { MessagePeek } from "./message.ts";
export { credentialType } from "./leaf-node.ts";
export { proposalType } from "./proposal.ts";
export {
  decodeRequiredCapabilities,
  encodeRequiredCapabilities,
  findExtension,
} from "./required-capabilities.ts";
export type { RequiredCapabilities } from "./required-capabilities.ts";

// Key packages.
export { decodeKeyPackage, encodeKeyPackage } from "./key-package.ts";
export { createKeyPackage, keyPackageRef, verifyKeyPackage } from "./create-key-package.ts";
export type { CreatedKeyPackage, KeyPackageSecrets } from "./create-key-package.ts";

// For library authors: labels and codec of RFC 9420, ratchet trees.
export { expandWithLabel, refHash, signWithLabel, verifyWithLabel } from "./crypto-labels.ts";
export { decryptWithLabel, encryptWithLabel } from "./encrypt-labels.ts";
export { decodeWith, encodeWith, Reader, Writer } from "./codec.ts";
export { memberAt, membersOf } from "./tree.ts";
export type { Member, RatchetTree } from "./tree.ts";
export { decodeRatchetTree, encodeRatchetTree } from "./tree-codec.ts";
export { treeHash } from "./tree-hash.ts";
export { validateTree } from "./tree-validation.ts";
