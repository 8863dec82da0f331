import { concat, fromUtf8, toBase64Url, toHex, toUtf8 } from "@coterie/base";
import type { PasskeyAssertion, PasskeySigner, PublicIdentifier } from "@coterie/client";
import type { CryptoProvider } from "@coterie/crypto";

/** An authenticator with one key: its identifier, and what it answers to a challenge (XID-13). */
export interface TestPasskey {
  readonly identifier: PublicIdentifier;
  assert(text: string): PasskeyAssertion & { readonly publicKey: Uint8Array };
  readonly signer: PasskeySigner;
}

/** A passkey of a name and seed. Compressed and uncompressed keys are two identifiers. */
export function testPasskey(
  crypto: CryptoProvider,
  name: string,
  options: { readonly seed?: number; readonly compressed?: boolean } = {},
): TestPasskey {
  const privateKey = crypto.hash("sha256", toUtf8(`passkey ${name} ${options.seed ?? 1}`));
  const point = crypto.signaturePublicKey("p256", privateKey);
  const publicKey = options.compressed
    ? concat(Uint8Array.of(2 + ((point[64] as number) & 1)), point.subarray(1, 33))
    : point;
  const origin = "https://chat.example";
  const identifier: PublicIdentifier = { identifier: toHex(publicKey), identifierKind: 1 };
  const key: Omit<TestPasskey, "signer"> = {
    identifier,
    assert(text) {
      const challenge = toBase64Url(toUtf8(text));
      const clientDataJson = toUtf8(JSON.stringify({ type: "webauthn.get", challenge, origin }));
      // Hash of the relying party, user present and verified, a counter.
      const authenticatorData = concat(
        crypto.hash("sha256", toUtf8("chat.example")),
        Uint8Array.of(0x05, 0, 0, 0, 1),
      );
      const signed = concat(authenticatorData, crypto.hash("sha256", clientDataJson));
      const signature = crypto.sign("p256", privateKey, signed);
      return { publicKey, signature, authenticatorData, clientDataJson };
    },
  };
  const signer: PasskeySigner = {
    type: "Passkey",
    getIdentifier: () => identifier,
    signChallenge(challenge) {
      const { publicKey: _, ...assertion } = key.assert(fromUtf8(challenge));
      return assertion;
    },
  };
  return { ...key, signer };
}
