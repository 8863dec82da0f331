/** One extension (RFC 9420 §7.2), known or not: kept byte for byte. */
export interface Extension {
  readonly type: number;
  readonly data: Uint8Array;
}

/** What a client supports, as numbers of the registries; unknown ones (GREASE) are kept (RFC 9420 §7.2). */
export interface Capabilities {
  readonly versions: readonly number[];
  readonly cipherSuites: readonly number[];
  readonly extensions: readonly number[];
  readonly proposals: readonly number[];
  readonly credentials: readonly number[];
}

/** RFC 9420 §5.3. A type that we do not know is taken to hold one `opaque<V>`, as basic and x509 do. */
export type Credential =
  | { readonly kind: "basic"; readonly identity: Uint8Array }
  | { readonly kind: "x509"; readonly certificates: readonly Uint8Array[] }
  | { readonly kind: "unknown"; readonly type: number; readonly data: Uint8Array };

/** Unix seconds, both ends included. */
export interface Lifetime {
  readonly notBefore: bigint;
  readonly notAfter: bigint;
}

export type LeafNodeSource =
  | { readonly kind: "key-package"; readonly lifetime: Lifetime }
  | { readonly kind: "update" }
  | { readonly kind: "commit"; readonly parentHash: Uint8Array };

/** A member's appearance in a group, or in a key package before it is in one (RFC 9420 §7.2). */
export interface LeafNode {
  readonly encryptionKey: Uint8Array;
  readonly signatureKey: Uint8Array;
  readonly credential: Credential;
  readonly capabilities: Capabilities;
  readonly source: LeafNodeSource;
  readonly extensions: readonly Extension[];
  readonly signature: Uint8Array;
}

export type UnsignedLeafNode = Omit<LeafNode, "signature">;

/** RFC 9420 §7.1. `unmergedLeaves` are leaf indices, ascending. */
export interface ParentNode {
  readonly encryptionKey: Uint8Array;
  readonly parentHash: Uint8Array;
  readonly unmergedLeaves: readonly number[];
}

/** RFC 9420 §10. */
export interface KeyPackage {
  readonly version: number;
  readonly cipherSuite: number;
  readonly initKey: Uint8Array;
  readonly leafNode: LeafNode;
  readonly extensions: readonly Extension[];
  readonly signature: Uint8Array;
}

export type UnsignedKeyPackage = Omit<KeyPackage, "signature">;

export type ResumptionUsage = "application" | "reinit" | "branch";

/** RFC 9420 §8.4. */
export type PreSharedKeyId =
  | { readonly kind: "external"; readonly pskId: Uint8Array; readonly nonce: Uint8Array }
  | {
      readonly kind: "resumption";
      readonly usage: ResumptionUsage;
      readonly groupId: Uint8Array;
      readonly epoch: bigint;
      readonly nonce: Uint8Array;
    };

/** RFC 9420 §12.1. A type that we do not know is taken to hold one `opaque<V>`; `self_remove` (10) holds nothing. */
export type Proposal =
  | { readonly kind: "add"; readonly keyPackage: KeyPackage }
  | { readonly kind: "update"; readonly leafNode: LeafNode }
  | { readonly kind: "remove"; readonly removed: number }
  | { readonly kind: "psk"; readonly psk: PreSharedKeyId }
  | {
      readonly kind: "reinit";
      readonly groupId: Uint8Array;
      readonly version: number;
      readonly cipherSuite: number;
      readonly extensions: readonly Extension[];
    }
  | { readonly kind: "external-init"; readonly kemOutput: Uint8Array }
  | { readonly kind: "group-context-extensions"; readonly extensions: readonly Extension[] }
  | { readonly kind: "custom"; readonly type: number; readonly data: Uint8Array };

export type ProposalOrRef =
  | { readonly kind: "proposal"; readonly proposal: Proposal }
  | { readonly kind: "reference"; readonly reference: Uint8Array };

export interface HpkeCiphertext {
  readonly kemOutput: Uint8Array;
  readonly ciphertext: Uint8Array;
}

export interface UpdatePathNode {
  readonly encryptionKey: Uint8Array;
  readonly encryptedPathSecret: readonly HpkeCiphertext[];
}

/** RFC 9420 §7.6. */
export interface UpdatePath {
  readonly leafNode: LeafNode;
  readonly nodes: readonly UpdatePathNode[];
}

/** RFC 9420 §12.4. */
export interface Commit {
  readonly proposals: readonly ProposalOrRef[];
  readonly path: UpdatePath | undefined;
}

/** RFC 9420 §6. `external` counts the external_senders extension. */
export type Sender =
  | { readonly kind: "member"; readonly leafIndex: number }
  | { readonly kind: "external"; readonly senderIndex: number }
  | { readonly kind: "new-member-proposal" }
  | { readonly kind: "new-member-commit" };

export type ContentType = "application" | "proposal" | "commit";

export type WireFormat = "public" | "private" | "welcome" | "group-info" | "key-package";

export type Content =
  | { readonly kind: "application"; readonly data: Uint8Array }
  | { readonly kind: "proposal"; readonly proposal: Proposal }
  | { readonly kind: "commit"; readonly commit: Commit };

/** RFC 9420 §6. */
export interface FramedContent {
  readonly groupId: Uint8Array;
  readonly epoch: bigint;
  readonly sender: Sender;
  readonly authenticatedData: Uint8Array;
  readonly content: Content;
}

/** RFC 9420 §6.1. The tag is there for commits and only for them. */
export interface FramedContentAuthData {
  readonly signature: Uint8Array;
  readonly confirmationTag: Uint8Array | undefined;
}

export interface AuthenticatedContent {
  readonly wireFormat: "public" | "private";
  readonly content: FramedContent;
  readonly auth: FramedContentAuthData;
}

/** RFC 9420 §6.2. The tag is there for members and only for them. */
export interface PublicMessage {
  readonly content: FramedContent;
  readonly auth: FramedContentAuthData;
  readonly membershipTag: Uint8Array | undefined;
}

/** RFC 9420 §6.3. */
export interface PrivateMessage {
  readonly groupId: Uint8Array;
  readonly epoch: bigint;
  readonly contentType: ContentType;
  readonly authenticatedData: Uint8Array;
  readonly encryptedSenderData: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** RFC 9420 §8.1. */
export interface GroupContext {
  readonly version: number;
  readonly cipherSuite: number;
  readonly groupId: Uint8Array;
  readonly epoch: bigint;
  readonly treeHash: Uint8Array;
  readonly confirmedTranscriptHash: Uint8Array;
  readonly extensions: readonly Extension[];
}

/** RFC 9420 §12.4.3. `signer` is a leaf index. */
export interface GroupInfo {
  readonly groupContext: GroupContext;
  readonly extensions: readonly Extension[];
  readonly confirmationTag: Uint8Array;
  readonly signer: number;
  readonly signature: Uint8Array;
}

export type UnsignedGroupInfo = Omit<GroupInfo, "signature">;

/** RFC 9420 §12.4.3.1. */
export interface GroupSecrets {
  readonly joinerSecret: Uint8Array;
  readonly pathSecret: Uint8Array | undefined;
  readonly psks: readonly PreSharedKeyId[];
}

export interface EncryptedGroupSecrets {
  /** The KeyPackageRef. */
  readonly newMember: Uint8Array;
  readonly encryptedGroupSecrets: HpkeCiphertext;
}

/** RFC 9420 §12.4.3.1. */
export interface Welcome {
  readonly cipherSuite: number;
  readonly secrets: readonly EncryptedGroupSecrets[];
  readonly encryptedGroupInfo: Uint8Array;
}

/** RFC 9420 §6: everything that goes over the wire. */
export type MlsMessage =
  | { readonly kind: "public"; readonly message: PublicMessage }
  | { readonly kind: "private"; readonly message: PrivateMessage }
  | { readonly kind: "welcome"; readonly welcome: Welcome }
  | { readonly kind: "group-info"; readonly groupInfo: GroupInfo }
  | { readonly kind: "key-package"; readonly keyPackage: KeyPackage };
