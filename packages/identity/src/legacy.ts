import { concat, toHex } from "@coterie/base";
import {
  type CryptoProvider,
  eip191Digest,
  eip191Recover,
  ethereumAddress,
  labels,
  normalizeEip191Signature,
} from "@coterie/crypto";
import { type LegacyDelegatedSignature, UnsignedPublicKey, WireError } from "@coterie/wire";

/** XID-14: the wallet that vouched for the key that signed the text, and the wallet's signature, or undefined. */
export function verifyLegacyDelegated(
  crypto: CryptoProvider,
  text: string,
  delegated: LegacyDelegatedSignature,
): { readonly address: string; readonly replay: Uint8Array } | undefined {
  const key = delegated.delegatedKey;
  const outer = delegated.signature;
  if (key === undefined || outer === undefined) return undefined;

  const inner = key.signature;
  if (inner === undefined || inner.kind === "unset") return undefined;
  if (inner.value.bytes.length !== 64 || inner.value.recovery > 255) return undefined;
  const wallet = concat(inner.value.bytes, Uint8Array.of(inner.value.recovery));
  const replay = normalizeEip191Signature(wallet);
  if (replay === undefined) return undefined;
  const address = eip191Recover(crypto, eip191Digest(crypto, legacyText(key.keyBytes)), replay);
  if (address === undefined) return undefined;

  const publicKey = decodeKey(key.keyBytes);
  if (publicKey === undefined) return undefined;
  const signer = eip191Recover(crypto, eip191Digest(crypto, text), outer.bytes);
  if (signer === undefined || signer !== ethereumAddress(crypto, publicKey)) return undefined;
  return { address, replay };
}

/** What a wallet signed for a key of the previous protocol; note the slash at the end. */
function legacyText(keyBytes: Uint8Array): string {
  return `${labels.legacyIdentityText}${toHex(keyBytes)}\n\nFor more info: https://xmtp.org/signatures/`;
}

function decodeKey(keyBytes: Uint8Array): Uint8Array | undefined {
  try {
    const bytes = UnsignedPublicKey.decode(keyBytes).secp256k1Uncompressed?.bytes;
    return bytes?.length === 65 && bytes[0] === 4 ? bytes : undefined;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
