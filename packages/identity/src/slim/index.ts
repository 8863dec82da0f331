export { verifyControlSignature } from "./control-signature.ts";
export {
  baseIdOf,
  createSharedSecretIdentity,
  createSharedSecretVerifier,
} from "./shared-secret.ts";
export type { SharedSecretOptions } from "./shared-secret.ts";
export type { SlimIdentity, SlimVerifier, VerifiedToken } from "./token.ts";
