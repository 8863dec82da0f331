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
  PrivateMessage,
  Proposal,
  ProposalOrRef,
  PublicMessage,
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
export { announceKeyPackages } from "./ahead.ts";
export { createKeyPackage, keyPackageRef, verifyKeyPackage } from "./create-key-package.ts";
export type { CreatedKeyPackage, KeyPackageSecrets } from "./create-key-package.ts";

// Groups.
export { createGroup, isRemoved, memberAt, members } from "./group.ts";
export type { EpochState, Group, GroupStatus, ReInit } from "./group.ts";
export { defaultGroupOptions } from "./options.ts";
export type { GroupOptions } from "./options.ts";
export { acceptAll } from "./judge.ts";
export type {
  CommitView,
  GroupView,
  JoinView,
  Judge,
  ProposalInCommit,
  ProposalSender,
  ProposalView,
  Refusal,
  Verdict,
} from "./judge.ts";
export { adopt, commit, discard } from "./commit-create.ts";
export type { CommitInput, CommitOutput } from "./commit-create.ts";
export type { PendingCommit } from "./pending.ts";
export { decodePending, encodePending } from "./pending-codec.ts";
export { process } from "./process.ts";
export type { Processed, ProcessInput } from "./processed.ts";
export { propose, seal } from "./send.ts";
export type { LeafChange, ProposalToSend } from "./send.ts";
export type { ProposalRef, StoredProposal } from "./proposals.ts";
export type { PskLookup } from "./psk-lookup.ts";
export { join } from "./join.ts";
export type { Joined, JoinInput, OwnKeyPackage } from "./join.ts";
export { exportGroupInfo, joinByCommit } from "./external-commit.ts";
export type { ExternalJoin, ExternalJoinInput } from "./external-commit.ts";
export { proposeAsExternal, proposeToJoin } from "./external-proposal.ts";
export { resumptionPsk } from "./founding.ts";
export type { PreSharedKey } from "./psk.ts";
export { restoreGroup, snapshot, snapshotChanges } from "./snapshot.ts";
export type { SnapshotChanges } from "./snapshot.ts";
export { exportSecret } from "./exporter.ts";
export { decodeExternalSenders, encodeExternalSenders } from "./external-senders.ts";
export type { ExternalSender } from "./external-senders.ts";

// For library authors: labels and codec of RFC 9420, ratchet trees.
export { expandWithLabel, refHash, signWithLabel, verifyWithLabel } from "./crypto-labels.ts";
export { decryptWithLabel, encryptWithLabel } from "./encrypt-labels.ts";
export { decodeWith, encodeWith, Reader, Writer } from "./codec.ts";
export { membersOf } from "./tree.ts";
export type { Member, RatchetTree } from "./tree.ts";
export { decodeRatchetTree, encodeRatchetTree } from "./tree-codec.ts";
export { treeHash } from "./tree-hash.ts";
export { validateTree } from "./tree-validation.ts";
