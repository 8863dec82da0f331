import { toHex } from "@coterie/base";
import type { PasskeySigner } from "@coterie/identity";
import { ClientError } from "./errors.ts";

/** A passkey that a page knows: both parts are public and worth keeping, as an authenticator tells the key only once. */
export interface Passkey {
  readonly credentialId: Uint8Array<ArrayBuffer>;
  /** P-256, 65 bytes. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

export interface PasskeyOptions {
  /** The domain that the passkey belongs to; the page's own where it is not given. */
  readonly rpId?: string | undefined;
  /** The platform's by default. */
  readonly credentials?: Pick<CredentialsContainer, "create" | "get"> | undefined;
}

/** ECDSA on P-256 with SHA-256, as COSE numbers it. */
const es256 = -7;
const pointBytes = 65;

/**
 * Asks the person's authenticator for a new passkey; `name` is what it is listed under there. Throws `client/unsupported` where the platform has
 * none or makes no P-256 key; refusals of the person come as the platform's own errors.
 */
export async function createPasskey(name: string, options: PasskeyOptions = {}): Promise<Passkey> {
  const { rpId } = options;
  const made = await containerOf(options).create({
    publicKey: {
      // Nobody checks who attests what: the key is all that counts.
      challenge: crypto.getRandomValues(new Uint8Array(32)),
      rp: rpId === undefined ? { name } : { name, id: rpId },
      user: { id: crypto.getRandomValues(new Uint8Array(32)), name, displayName: name },
      pubKeyCredParams: [{ type: "public-key", alg: es256 }],
      authenticatorSelection: { userVerification: "preferred" },
    },
  });
  const { rawId, response } = (made ?? {}) as Partial<PublicKeyCredential>;
  const spki = (response as AuthenticatorAttestationResponse | undefined)?.getPublicKey();
  // The point ends a SubjectPublicKeyInfo.
  const publicKey = new Uint8Array(spki ?? new ArrayBuffer(0)).slice(-pointBytes);
  if (rawId === undefined || publicKey.length !== pointBytes || publicKey[0] !== 4) {
    throw new ClientError("client/unsupported", { what: "passkeys on P-256" });
  }
  return { credentialId: new Uint8Array(rawId), publicKey };
}

/** Signs with a passkey of this page (XID-13). Each signature asks the person. */
export function passkeySigner(passkey: Passkey, options: PasskeyOptions = {}): PasskeySigner {
  const { rpId } = options;
  return {
    type: "Passkey",
    getIdentifier: () => ({ identifier: toHex(passkey.publicKey), identifierKind: 1 }),
    async signChallenge(challenge) {
      const found = await containerOf(options).get({
        publicKey: {
          challenge,
          ...(rpId === undefined ? {} : { rpId }),
          allowCredentials: [{ type: "public-key", id: passkey.credentialId }],
          userVerification: "preferred",
        },
      });
      const { response } = (found ?? {}) as Partial<PublicKeyCredential>;
      if (response === undefined) {
        throw new ClientError("client/unsupported", { what: "an assertion" });
      }
      const { signature, authenticatorData, clientDataJSON } =
        response as AuthenticatorAssertionResponse;
      return {
        signature: new Uint8Array(signature),
        authenticatorData: new Uint8Array(authenticatorData),
        clientDataJson: new Uint8Array(clientDataJSON),
      };
    },
  };
}

function containerOf({
  credentials,
}: PasskeyOptions): Pick<CredentialsContainer, "create" | "get"> {
  const found = credentials ?? (globalThis.navigator as Navigator | undefined)?.credentials;
  if (found === undefined) throw new ClientError("client/unsupported", { what: "passkeys" });
  return found;
}
