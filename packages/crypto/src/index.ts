export { CryptoError } from "./errors.ts";
export type { CryptoErrorCode } from "./errors.ts";
export type {
  AeadName,
  Ahead,
  CryptoProvider,
  DhName,
  HashName,
  KeyPair,
  SignatureClaim,
  SignatureName,
} from "./provider.ts";
export { cipherSuites } from "./suites.ts";
export type { CipherSuite } from "./suites.ts";
export { labels } from "./labels.ts";

export {
  deriveKeyPair,
  encLength,
  generateKeyPair,
  hpkeOpen,
  hpkeReceiveExport,
  hpkeSeal,
  hpkeSendExport,
  prepareInfo,
  setupRecipient,
  setupSender,
  xWingHpkeSuite,
} from "./hpke.ts";
export type {
  HpkeRecipient,
  HpkeSender,
  HpkeSuite,
  PreparedInfo,
  RecipientSetup,
  SenderSetup,
} from "./hpke.ts";
export { xWingDecapsulate, xWingEncapsulate, xWingKeyPair, xWingLengths } from "./x-wing.ts";

export {
  eip191Digest,
  eip191Recover,
  eip191Sign,
  ethereumAddress,
  normalizeEip191Signature,
} from "./eip191.ts";
export { ecdsaFromDer, ecdsaToDer } from "./strict/ecdsa-der.ts";
export { decompressP256 } from "./p256-point.ts";
