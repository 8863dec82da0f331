import { type InstallationId, toHex, toUtf8 } from "@coterie/base";
import { type CryptoProvider, labels } from "@coterie/crypto";
import type { Signature } from "@coterie/wire";

/** The key of one app instance. The same key signs its MLS leaves. */
export interface Installation {
  readonly id: InstallationId;
  readonly publicKey: Uint8Array;
  /** Ed25519 seed of 32 bytes. */
  readonly privateKey: Uint8Array;
}

export function createInstallation(crypto: CryptoProvider): Installation {
  const { publicKey, privateKey } = crypto.generateSigner("ed25519");
  return { id: toHex(publicKey) as InstallationId, publicKey, privateKey };
}

/** The installation whose seed was stored. */
export function installationFromSeed(crypto: CryptoProvider, privateKey: Uint8Array): Installation {
  const publicKey = crypto.signaturePublicKey("ed25519", privateKey);
  return { id: toHex(publicKey) as InstallationId, publicKey, privateKey };
}

/** XID-11: the installation's signature for an identity update. */
export function signIdentityText(
  crypto: CryptoProvider,
  installation: Installation,
  text: string,
): Signature {
  const context = toUtf8(labels.identityUpdateContext);
  const bytes = crypto.ed25519phSign(installation.privateKey, toUtf8(text), context);
  return { kind: "installationKey", value: { bytes, publicKey: installation.publicKey } };
}

/** A signature of 64 bytes for the world (XID-11); its context keeps it from ever being one in an identity update. */
export function signWithInstallationKey(
  crypto: CryptoProvider,
  installation: Installation,
  text: string,
): Uint8Array {
  return crypto.ed25519phSign(
    installation.privateKey,
    toUtf8(text),
    toUtf8(labels.publicSignatureContext),
  );
}

/** Whether an installation key made a public signature. */
export function verifySignedWithPublicKey(
  crypto: CryptoProvider,
  text: string,
  signature: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  const context = toUtf8(labels.publicSignatureContext);
  return crypto.ed25519phVerify(publicKey, toUtf8(text), context, signature);
}
