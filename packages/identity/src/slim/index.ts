export { verifyControlSignature } from "./control-signature.ts";
export { createInboxIdentity, createInboxVerifier } from "./inbox.ts";
export type { InboxVerifierOptions } from "./inbox.ts";
export {
  baseIdOf,
  createSharedSecretIdentity,
  createSharedSecretVerifier,
} from "./shared-secret.ts";
export type { SharedSecretOptions } from "./shared-secret.ts";
export type { SlimIdentity, SlimVerifier, VerifiedToken } from "./token.ts";
