import { hpkeOpen, hpkeSeal } from "@coterie/crypto";
import type { CipherSuite, CryptoProvider, KeyPair } from "@coterie/crypto";
import { labelled } from "./crypto-labels.ts";
import { MlsError } from "./errors.ts";
import type { HpkeCiphertext } from "./types.ts";

const noAad = new Uint8Array(0);

/** EncryptContext (RFC 9420 §5.1.3): the same for all recipients of one label and context, so that it is encoded once. */
export function encryptContext(label: string, context: Uint8Array): Uint8Array {
  return labelled(label, context);
}

/** EncryptWithLabel with the context of {@link encryptContext}. Throws `crypto/bad-key` for a key that nobody can own. */
export function sealTo(
  crypto: CryptoProvider,
  suite: CipherSuite,
  publicKey: Uint8Array,
  info: Uint8Array,
  plaintext: Uint8Array,
): HpkeCiphertext {
  const sealed = hpkeSeal({ crypto, suite, publicKey, info, aad: noAad, plaintext });
  return { kemOutput: sealed.enc, ciphertext: sealed.ciphertext };
}

/** RFC 9420 §5.1.3. */
export function encryptWithLabel(
  crypto: CryptoProvider,
  suite: CipherSuite,
  publicKey: Uint8Array,
  label: string,
  context: Uint8Array,
  plaintext: Uint8Array,
): HpkeCiphertext {
  return sealTo(crypto, suite, publicKey, encryptContext(label, context), plaintext);
}

/** RFC 9420 §5.1.3. Throws `mls/open-failed`, the same for every way to fail. */
export function decryptWithLabel(
  crypto: CryptoProvider,
  suite: CipherSuite,
  keyPair: KeyPair,
  label: string,
  context: Uint8Array,
  sealed: HpkeCiphertext,
): Uint8Array {
  try {
    return hpkeOpen({
      crypto,
      suite,
      enc: sealed.kemOutput,
      privateKey: keyPair.privateKey,
      publicKey: keyPair.publicKey,
      info: encryptContext(label, context),
      aad: noAad,
      ciphertext: sealed.ciphertext,
    });
  } catch (cause) {
    throw new MlsError("mls/open-failed", { label }, { cause });
  }
}
