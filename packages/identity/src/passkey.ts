import { concat, fromUtf8, toBase64Url, toHex, toUtf8 } from "@coterie/base";
import { type CryptoProvider, decompressP256, ecdsaFromDer } from "@coterie/crypto";
import type { RecoverablePasskeySignature } from "@coterie/wire";
import type { MemberId } from "./identifiers.ts";

/** XID-13: the passkey that signed the text, and R‖S, or undefined where none did. */
export function verifyPasskey(
  crypto: CryptoProvider,
  text: string,
  assertion: RecoverablePasskeySignature,
): { readonly signer: MemberId; readonly replay: Uint8Array } | undefined {
  const client = parseClientData(assertion.clientDataJson);
  if (client === undefined || client.challenge !== toBase64Url(toUtf8(text))) return undefined;
  const publicKey = decompressP256(assertion.publicKey);
  const compact = ecdsaFromDer("p256", assertion.signature);
  if (publicKey === undefined || compact === undefined) return undefined;
  const signed = concat(
    assertion.authenticatorData,
    crypto.hash("sha256", assertion.clientDataJson),
  );
  if (!crypto.verify("p256", publicKey, signed, assertion.signature)) return undefined;
  // The key as it came: compressed and uncompressed are two identifiers.
  const key = toHex(assertion.publicKey);
  return { signer: { kind: "passkey", key, relyingParty: client.origin }, replay: compact };
}

function parseClientData(
  json: Uint8Array,
): { readonly challenge: string; readonly origin: string } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(fromUtf8(json));
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { challenge, origin } = value as { challenge?: unknown; origin?: unknown };
  if (typeof challenge !== "string" || typeof origin !== "string") return undefined;
  return { challenge, origin };
}
