/**
 * Every domain-separation label that ends up in a hash, a signature or a key, as ASCII text. A label is looked up here and
 * written nowhere else, so that no two uses can collide unseen.
 */
export const labels = {
  /** RFC 9420: put before every label of `SignWithLabel`, `ExpandWithLabel`, `EncryptWithLabel` and `RefHash`. */
  mlsPrefix: "MLS 1.0 ",

  /** `SignWithLabel` and `VerifyWithLabel` (RFC 9420 section 5.1.2), without the prefix. */
  mlsSign: {
    framedContent: "FramedContentTBS",
    leafNode: "LeafNodeTBS",
    keyPackage: "KeyPackageTBS",
    groupInfo: "GroupInfoTBS",
  },

  /** `EncryptWithLabel` (RFC 9420 section 5.1.3), without the prefix. */
  mlsEncrypt: {
    pathNode: "UpdatePathNode",
    welcome: "Welcome",
  },

  /** `RefHash` (RFC 9420 section 5.2), with the prefix as the RFC writes them. */
  mlsReference: {
    keyPackage: "MLS 1.0 KeyPackage Reference",
    proposal: "MLS 1.0 Proposal Reference",
  },

  /** `DeriveSecret` and `ExpandWithLabel` of the key schedule (RFC 9420 sections 7 to 9), without the prefix. */
  mlsSecret: {
    joiner: "joiner",
    welcome: "welcome",
    epoch: "epoch",
    init: "init",
    senderData: "sender data",
    encryption: "encryption",
    exporter: "exporter",
    exported: "exported",
    external: "external",
    confirm: "confirm",
    membership: "membership",
    resumption: "resumption",
    authentication: "authentication",
    psk: "derived psk",
    path: "path",
    node: "node",
    tree: "tree",
    left: "left",
    right: "right",
    handshake: "handshake",
    application: "application",
    secret: "secret",
    key: "key",
    nonce: "nonce",
  },

  /** The HPKE exporter context of an external commit (RFC 9420 section 8.3), written out in full there. */
  mlsExternalInit: "MLS 1.0 external init secret",

  /** HPKE (RFC 9180 section 4) puts this before every extract and expand. */
  hpkeVersion: "HPKE-v1",
  hpkeKem: "KEM",
  hpkeSuite: "HPKE",
  hpke: {
    sharedSecret: "shared_secret",
    extractSecret: "eae_prk",
    deriveKeyPair: "dkp_prk",
    candidate: "candidate",
    privateKey: "sk",
    pskIdHash: "psk_id_hash",
    infoHash: "info_hash",
    secret: "secret",
    key: "key",
    baseNonce: "base_nonce",
    exporter: "exp",
    export: "sec",
  },

  /** Six bytes that close the input of the X-Wing combiner (draft 06, section 5.3). */
  xWing: "\\.//^\\",

  /** Ed25519ph and Ed448 prefix their hashes with these (RFC 8032 section 2). */
  ed25519Domain: "SigEd25519 no Ed25519 collisions",
  ed448Domain: "SigEd448",

  /** XMTP: context of an installation's signature in an identity update (XID-11). */
  identityUpdateContext: "IDENTITY UPDATE SIGNATURE",
  /** XMTP: context of an installation's signature for the public (XID-11). */
  publicSignatureContext: "PUBLIC SIGNATURE CONTEXT",
  /** XMTP: first line of what a wallet signs for an inbox. */
  identityUpdateText: "XMTP : Authenticate to inbox",
  /** XMTP: first line of what a wallet signed for a V2 key (XID-14). */
  legacyIdentityText: "XMTP : Create Identity\n",
  /** XMTP: label of the HPKE info around a welcome, after the MLS prefix (XWL-02). */
  xmtpWelcome: "MLS_WELCOME",
  /** XMTP: HKDF salt of the keys that authenticate push topics (XPU-03). */
  xmtpHmacKeySalt: "libXMTP HKDF salt!",

  /** ERC-191 version 0x45: put before the decimal length and the text (XID-10). */
  eip191Prefix: "\x19Ethereum Signed Message:\n",

  /** Context of an installation's signature under the token of a SLIM session: never one for an inbox or for the public. */
  slimInboxToken: "coterie slim inbox token",
  /** First line of what a member of a SLIM session signs about who moderates it next. */
  slimSuccession: "coterie slim succession",

  /** HKDF salt of a database key that is made out of a wallet's signature. */
  databaseKey: "coterie database key",
} as const;
