import { hpkeOpen, hpkeSeal, prepareInfo } from "@coterie/crypto";
import type { CipherSuite, CryptoProvider, KeyPair, PreparedInfo } from "@coterie/crypto";
import { labelledHead } from "./crypto-labels.ts";
import { MlsError } from "./errors.ts";
import type { HpkeCiphertext } from "./types.ts";

const noAad = new Uint8Array(0);

/** EncryptContext (RFC 9420 §5.1.3), encoded and hashed once for all recipients of one label and context. */
export function encryptContext(
  crypto: CryptoProvider,
  suite: CipherSuite,
  label: string,
  context: Uint8Array,
): PreparedInfo {
  return prepareInfo(crypto, suite, labelledHead(label, context.length), context);
}

/** EncryptWithLabel under the context of {@link encryptContext}. Throws `crypto/bad-key` for a key that nobody can own. */
export function sealTo(
  crypto: CryptoProvider,
  publicKey: Uint8Array,
  info: PreparedInfo,
  plaintext: Uint8Array,
): HpkeCiphertext {
  const { suite } = info;
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
  return sealTo(crypto, publicKey, encryptContext(crypto, suite, label, context), plaintext);
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
      info: encryptContext(crypto, suite, label, context),
      aad: noAad,
      ciphertext: sealed.ciphertext,
    });
  } catch (cause) {
    throw new MlsError("mls/open-failed", { label }, { cause });
  }
}
