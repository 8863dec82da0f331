import type { CipherSuite, CryptoProvider, KeyPair } from "@coterie/crypto";
import { deriveKeyPair, labels } from "@coterie/crypto";
import { deriveSecret, expandWithLabel } from "./crypto-labels.ts";

const names = labels.mlsSecret;

/** The secrets of one epoch (RFC 9420 §8, table "Epoch-Derived Secrets") without `encryption`, which becomes the secret tree. */
export interface EpochSecrets {
  readonly senderData: Uint8Array;
  readonly exporter: Uint8Array;
  readonly external: Uint8Array;
  readonly confirmationKey: Uint8Array;
  readonly membershipKey: Uint8Array;
  readonly resumptionPsk: Uint8Array;
  readonly epochAuthenticator: Uint8Array;
  readonly init: Uint8Array;
}

/** The block of zeros that stands for an absent commit secret or PSK secret. */
export function zeroSecret(suite: CipherSuite): Uint8Array {
  return new Uint8Array(suite.hashLength);
}

/** `joiner_secret`: what a Welcome carries. `contextBytes` is the encoded GroupContext of the new epoch. */
export function deriveJoinerSecret(
  crypto: CryptoProvider,
  suite: CipherSuite,
  from: {
    readonly initSecret: Uint8Array;
    readonly commitSecret: Uint8Array;
    readonly contextBytes: Uint8Array;
  },
): Uint8Array {
  const extracted = crypto.hkdfExtract(suite.hash, from.initSecret, from.commitSecret);
  const { contextBytes } = from;
  const { hashLength } = suite;
  const joiner = expandWithLabel(crypto, suite, extracted, names.joiner, contextBytes, hashLength);
  extracted.fill(0);
  return joiner;
}

/** The secret after the PSKs went in: parent of `welcome_secret` and `epoch_secret`. */
export function deriveMemberSecret(
  crypto: CryptoProvider,
  suite: CipherSuite,
  joinerSecret: Uint8Array,
  pskSecret: Uint8Array,
): Uint8Array {
  return crypto.hkdfExtract(suite.hash, joinerSecret, pskSecret);
}

export interface WelcomeKey {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
}

/** `welcome_secret` of a member secret. */
export function deriveWelcomeSecret(
  crypto: CryptoProvider,
  suite: CipherSuite,
  memberSecret: Uint8Array,
): Uint8Array {
  return deriveSecret(crypto, suite, memberSecret, names.welcome);
}

/** Key and nonce that seal the GroupInfo of a Welcome (RFC 9420 §12.4.3.1). */
export function deriveWelcomeKey(
  crypto: CryptoProvider,
  suite: CipherSuite,
  memberSecret: Uint8Array,
): WelcomeKey {
  const secret = deriveWelcomeSecret(crypto, suite, memberSecret);
  const none = new Uint8Array(0);
  const made = {
    key: expandWithLabel(crypto, suite, secret, names.key, none, suite.keyLength),
    nonce: expandWithLabel(crypto, suite, secret, names.nonce, none, suite.nonceLength),
  };
  secret.fill(0);
  return made;
}

/** `epoch_secret` of a member secret. */
export function deriveEpochSecret(
  crypto: CryptoProvider,
  suite: CipherSuite,
  memberSecret: Uint8Array,
  contextBytes: Uint8Array,
): Uint8Array {
  return expandWithLabel(crypto, suite, memberSecret, names.epoch, contextBytes, suite.hashLength);
}

/** All secrets of an epoch, and the root of its secret tree. */
export function deriveEpochSecrets(
  crypto: CryptoProvider,
  suite: CipherSuite,
  epochSecret: Uint8Array,
): { readonly secrets: EpochSecrets; readonly encryptionSecret: Uint8Array } {
  const derive = (label: string): Uint8Array => deriveSecret(crypto, suite, epochSecret, label);
  return {
    encryptionSecret: derive(names.encryption),
    secrets: {
      senderData: derive(names.senderData),
      exporter: derive(names.exporter),
      external: derive(names.external),
      confirmationKey: derive(names.confirm),
      membershipKey: derive(names.membership),
      resumptionPsk: derive(names.resumption),
      epochAuthenticator: derive(names.authentication),
      init: derive(names.init),
    },
  };
}

/** The key pair that the whole group holds for external commits. */
export function externalKeyPair(
  crypto: CryptoProvider,
  suite: CipherSuite,
  externalSecret: Uint8Array,
): KeyPair {
  return deriveKeyPair(crypto, suite, externalSecret);
}

/** MLS-Exporter (RFC 9420 §8.5). */
export function exportFrom(
  crypto: CryptoProvider,
  suite: CipherSuite,
  exporterSecret: Uint8Array,
  what: { readonly label: string; readonly context: Uint8Array; readonly length: number },
): Uint8Array {
  const derived = deriveSecret(crypto, suite, exporterSecret, what.label);
  const context = crypto.hash(suite.hash, what.context);
  const out = expandWithLabel(crypto, suite, derived, names.exported, context, what.length);
  derived.fill(0);
  return out;
}
