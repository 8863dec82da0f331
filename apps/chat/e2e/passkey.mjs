// A passkey of an authenticator makes an identity and brings it to a second installation. Authenticators serve domains: the page is at localhost.
import { same } from "../../../tools/lib/checks.mjs";
import { serveScript } from "./serve-script.mjs";

const entry = `
  import { Client, createPasskey, passkeySigner } from "@coterie/client/browser";

  globalThis.story = async (apiUrl) => {
    const signer = passkeySigner(await createPasskey("Ada"));
    const open = (dbName) => Client.create(signer, { apiUrl, dbName });
    const ada = await open("passkey-1");
    const phone = await open("passkey-2");
    const { identifiers, installations } = await ada.preferences.fetchInboxState();
    await Promise.all([ada.close(), phone.close()]);
    return {
      kinds: identifiers.map(({ identifierKind }) => identifierKind),
      installations: installations.length,
      oneInbox: ada.inboxId === phone.inboxId,
    };
  };
`;

export async function checkPasskey(context, check, { apiUrl, port }) {
  const server = await serveScript(entry, { host: "localhost", port });
  const page = await context.newPage();
  try {
    const session = await context.newCDPSession(page);
    await session.send("WebAuthn.enable");
    await session.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    await page.goto(server.url);
    await page.waitForFunction(() => globalThis.story !== undefined);
    await check("a passkey of the browser registers an identity on two installations", async () => {
      const seen = await page.evaluate((url) => globalThis.story(url), apiUrl);
      same(seen, { kinds: [1], installations: 2, oneInbox: true }, "what became of it");
    });
  } finally {
    await page.close();
    server.close();
  }
}
