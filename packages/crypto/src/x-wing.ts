import { concat, toUtf8, wipe } from "@coterie/base";
import { requireLength } from "./errors.ts";
import { labels } from "./labels.ts";
import type { CryptoProvider, KeyPair } from "./provider.ts";
import { mlKem768Lengths } from "./strict/sizes.ts";

/** Bytes of X-Wing (draft-connolly-cfrg-xwing-kem-06). The private key is the seed. */
export const xWingLengths = {
  privateKey: 32,
  publicKey: 1216,
  enc: 1120,
  sharedSecret: 32,
} as const;

/** The key pair of a 32-byte seed; the public key has 1,216 bytes. */
export function xWingKeyPair(crypto: CryptoProvider, seed: Uint8Array): KeyPair {
  const { mlKemSeed, x25519 } = expandSeed(crypto, seed);
  const publicKey = concat(
    crypto.mlKem768PublicKey(mlKemSeed),
    crypto.dhPublicKey("x25519", x25519),
  );
  wipe(mlKemSeed, x25519);
  return { privateKey: seed.slice(), publicKey };
}

/** Encapsulates to a public key of 1,216 bytes. `enc` has 1,120 bytes, the secret 32. */
export function xWingEncapsulate(
  crypto: CryptoProvider,
  publicKey: Uint8Array,
): { readonly enc: Uint8Array; readonly sharedSecret: Uint8Array } {
  requireLength("public key", publicKey, xWingLengths.publicKey);
  const mlKem = crypto.mlKem768Encapsulate(publicKey.subarray(0, mlKem768Lengths.publicKey));
  const recipient = publicKey.subarray(mlKem768Lengths.publicKey);
  const ephemeral = crypto.dhEphemeral("x25519", recipient);
  return {
    enc: concat(mlKem.ciphertext, ephemeral.publicKey),
    sharedSecret: combine(
      crypto,
      mlKem.sharedSecret,
      ephemeral.shared,
      ephemeral.publicKey,
      recipient,
    ),
  };
}

/** The 32-byte secret in `enc` for the private key (seed) of 32 bytes. */
export function xWingDecapsulate(
  crypto: CryptoProvider,
  enc: Uint8Array,
  privateKey: Uint8Array,
): Uint8Array {
  requireLength("enc", enc, xWingLengths.enc);
  const { mlKemSeed, x25519 } = expandSeed(crypto, privateKey);
  const ciphertext = enc.subarray(0, mlKem768Lengths.ciphertext);
  const ephemeral = enc.subarray(mlKem768Lengths.ciphertext);
  try {
    return combine(
      crypto,
      crypto.mlKem768Decapsulate(mlKemSeed, ciphertext),
      crypto.dh("x25519", x25519, ephemeral),
      ephemeral,
      crypto.dhPublicKey("x25519", x25519),
    );
  } finally {
    wipe(mlKemSeed, x25519);
  }
}

function expandSeed(
  crypto: CryptoProvider,
  seed: Uint8Array,
): { readonly mlKemSeed: Uint8Array; readonly x25519: Uint8Array } {
  requireLength("private key", seed, xWingLengths.privateKey);
  const expanded = crypto.shake256(seed, 96);
  const parts = { mlKemSeed: expanded.slice(0, 64), x25519: expanded.slice(64) };
  expanded.fill(0);
  return parts;
}

/** Draft 06, section 5.3: the label comes last. Earlier drafts put it first. */
function combine(
  crypto: CryptoProvider,
  mlKemSecret: Uint8Array,
  dhSecret: Uint8Array,
  ephemeral: Uint8Array,
  recipient: Uint8Array,
): Uint8Array {
  const input = concat(mlKemSecret, dhSecret, ephemeral, recipient, toUtf8(labels.xWing));
  const secret = crypto.sha3_256(input);
  wipe(mlKemSecret, dhSecret, input);
  return secret;
}
