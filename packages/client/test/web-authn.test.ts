import { concat, equal, fromUtf8, toUtf8 } from "@coterie/base";
import { nobleProvider as crypto } from "@coterie/crypto/noble";
import { askPasskey, verifySignature } from "@coterie/identity";
import { expect, test } from "vitest";
import { createPasskey, passkeySigner } from "../src/browser.ts";

/** A platform with one authenticator, as a page sees it. */
function platform(answer: { readonly spki?: Uint8Array | null } = {}) {
  const privateKey = new Uint8Array(32).fill(9);
  const publicKey = crypto.signaturePublicKey("p256", privateKey);
  const rawId = new Uint8Array(16).fill(4).buffer;
  // What comes before the point in a SubjectPublicKeyInfo does not matter here.
  const spki = answer.spki === undefined ? concat(new Uint8Array(26), publicKey) : answer.spki;
  const asked: CredentialRequestOptions[] = [];
  const credentials = {
    create: async () => ({
      rawId,
      response: { getPublicKey: () => spki && spki.slice().buffer },
    }),
    async get(options: CredentialRequestOptions) {
      asked.push(options);
      const challenge = new Uint8Array(options.publicKey?.challenge as ArrayBuffer);
      const clientDataJSON = toUtf8(
        JSON.stringify({
          type: "webauthn.get",
          challenge: Buffer.from(challenge).toString("base64url"),
          origin: "https://chat.example",
        }),
      );
      const authenticatorData = new Uint8Array(37);
      const signed = concat(authenticatorData, crypto.hash("sha256", clientDataJSON));
      return {
        response: {
          signature: crypto.sign("p256", privateKey, signed).slice().buffer,
          authenticatorData: authenticatorData.buffer,
          clientDataJSON: clientDataJSON.slice().buffer,
        },
      };
    },
  } as unknown as CredentialsContainer;
  return { credentials, publicKey, asked };
}

test("XID-13: a passkey of the platform is made and signs a text that verifies", async () => {
  const { credentials, publicKey, asked } = platform();
  const passkey = await createPasskey("Ada", { credentials, rpId: "chat.example" });
  expect(equal(passkey.publicKey, publicKey)).toBe(true);
  const signer = passkeySigner(passkey, { credentials, rpId: "chat.example" });
  const signature = await askPasskey(signer, "who are you?");
  const { signer: found } = verifySignature({ crypto }, "who are you?", signature);
  expect(found).toMatchObject({ kind: "passkey", relyingParty: "https://chat.example" });
  expect(asked[0]?.publicKey).toMatchObject({ rpId: "chat.example" });
  expect(fromUtf8(new Uint8Array(asked[0]?.publicKey?.challenge as ArrayBuffer))).toBe(
    "who are you?",
  );
});

test("a platform without passkeys on P-256 is a typed error", async () => {
  for (const spki of [null, new Uint8Array(44)]) {
    const { credentials } = platform({ spki });
    await expect(createPasskey("Ada", { credentials })).rejects.toMatchObject({
      code: "client/unsupported",
    });
  }
  await expect(createPasskey("Ada")).rejects.toMatchObject({ code: "client/unsupported" });
});
