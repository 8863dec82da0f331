export { IdentityError } from "./errors.ts";
export type { IdentityErrorCode } from "./errors.ts";

export {
  ethereumIdentifier,
  identifierFromWire,
  identifierKindOf,
  identifierText,
  installationMember,
  memberFromWire,
  memberKey,
  memberToWire,
  parseAddress,
  parseIdentifier,
  passkeyIdentifier,
  sameMember,
  toPublicIdentifier,
} from "./identifiers.ts";
export type { Identifier, MemberId, PublicIdentifier } from "./identifiers.ts";
export { defaultNonce, inboxIdOf } from "./inbox-id.ts";
export { encodeCredential, parseCredential } from "./credential.ts";

export {
  createInstallation,
  installationFromSeed,
  signIdentityText,
  signWithInstallationKey,
  verifySignedWithPublicKey,
} from "./installation.ts";
export type { Installation } from "./installation.ts";
export {
  askPasskey,
  checkContractSignature,
  collectSignature,
  signerIdentifier,
} from "./signer.ts";
export type {
  CollectedSignature,
  EoaSigner,
  PasskeyAssertion,
  PasskeySigner,
  ScwSigner,
  Signer,
} from "./signer.ts";

export {
  planAddAccount,
  planChangeRecovery,
  planRegistration,
  planRevoke,
  planRevokeAllOtherInstallations,
} from "./plans.ts";
export type { RegistrationPlan } from "./plans.ts";
export { beginUpdate, completeUpdate } from "./update-builder.ts";
export type { PendingUpdate, PlannedAction, PlannedUpdate } from "./update-builder.ts";
export { signatureText } from "./signature-text.ts";
export type { SignedAction, UnsignedAction, UnsignedUpdate, UpdateOf } from "./actions.ts";

export {
  checkCanonical,
  neededContractChecks,
  parseUpdate,
  updateToWire,
  verifyUpdate,
} from "./update.ts";
export type { UnverifiedUpdate, VerifiedUpdate } from "./update.ts";
export { verifySignature } from "./signatures.ts";
export type { VerifyEnv } from "./signatures.ts";
export type { SignatureKind, VerifiedSignature } from "./verified-signature.ts";
export { createSignatureCache } from "./signature-cache.ts";
export type { SignatureCache } from "./signature-cache.ts";
export {
  contractCheckFor,
  contractCheckKey,
  contractSignature,
  rememberVerdicts,
  resolveContractChecks,
} from "./contracts.ts";
export type {
  ContractCheck,
  ContractVerdict,
  ContractVerdicts,
  SmartContractVerifier,
} from "./contracts.ts";

export { applyUpdate, canonicalSignatures, identifiersOf, installationsOf } from "./association.ts";
export type { AssociationMember, AssociationState } from "./association.ts";
export { diff, installationDiff, replay, stateAt } from "./log.ts";
export type { AssociationDiff, LoggedUpdate } from "./log.ts";
export { decodeState, encodeState } from "./state-codec.ts";
export { privateKeySigner } from "./private-key-signer.ts";
