// Identities by signed tokens: the same keys configured with the native bindings and with ours, in one group (SID-05, SID-06, SID-08).
import { generateKeyPairSync } from "node:crypto";
import { assert } from "../lib/check.mjs";
import { host } from "../lib/slim-hosts.mjs";
import { cores } from "../lib/slim-kinds.mjs";

const pair = (kind, options) => {
  const { publicKey, privateKey } = generateKeyPairSync(kind, options);
  const pem = (key, type) => key.export({ format: "pem", type });
  return { publicKey, pems: [pem(privateKey, "pkcs8"), pem(publicKey, "spki")] };
};
const byPem = (algorithm, { pems: [own, other] }) => ({
  signs: { algorithm, format: "Pem", key: own },
  verifies: { algorithm, format: "Pem", key: other },
});

/** What apps are configured with: title, and the keys. */
function ways() {
  const p256 = pair("ec", { namedCurve: "P-256" });
  const rsa = pair("rsa", { modulusLength: 2048 });
  const shared = { algorithm: "Hs256", format: "Pem", key: "0123456789abcdef0123456789abcdef" };
  const jwk = { ...p256.publicKey.export({ format: "jwk" }), alg: "ES256", kid: "one", use: "sig" };
  const more = pair("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
  const keys = [{ ...more, alg: "ES256", kid: "two", use: "sig" }, jwk];
  const set = { algorithm: "Es256", format: "Jwks", key: JSON.stringify({ keys }) };
  return [
    ["ES256", byPem("Es256", p256)],
    ["ES256 and a key set", { ...byPem("Es256", p256), verifies: set }],
    ["ES384", byPem("Es384", pair("ec", { namedCurve: "P-384" }))],
    ["EdDSA", byPem("EdDsa", pair("ed25519"))],
    ["RS256", byPem("Rs256", rsa)],
    ["PS256", byPem("Ps256", rsa)],
    ["HS256", { signs: shared, verifies: shared }],
  ];
}

export default async function run({ node, check }) {
  const url = node.slimUrl;
  const open = async (kind, name, jwt) => (await host(kind)).app(name, { url, jwt });
  for (const core of cores) {
    for (const [title, keys] of ways()) {
      const claims = { issuer: "https://id.example", audience: ["slim"] };
      const mls = title === "ES256" || title === "RS256" ? 100 : undefined;
      for (const moderates of ["ours", core]) {
        const who = moderates === "ours" ? "we moderate" : "a native moderates";
        await check(
          `${core}, ${title}, ${mls ? "mls" : "plain"}, ${who}: SID-06: a group of both`,
          async () => {
            const kinds = moderates === "ours" ? ["ours", core, "ours"] : [core, "ours", core];
            const names = ["ann", "bob", "cid"];
            const apps = await Promise.all(
              kinds.map((kind, at) => open(kind, names[at], { ...keys, ...claims })),
            );
            const session = await apps[0].group("chat", { mls });
            const others = [];
            for (const app of apps.slice(1)) {
              const joining = app.listen(15_000);
              await session.invite(app);
              others.push(await joining);
            }
            await session.publish("signed");
            for (const other of others) assert.equal(await other.words(8000), "signed");
            await others[0].publish("read");
            assert.equal(await session.words(8000), "read");
            assert.equal(await others[1].words(8000), "read");
            await session.delete();
            for (const app of apps) await app.disconnect();
          },
        );
      }
    }
    await check(
      `${core}: SID-06: who is signed for by another key is not let in, mls or not`,
      async () => {
        const [right, wrong] = [1, 2].map(() =>
          byPem("Es256", pair("ec", { namedCurve: "P-256" })),
        );
        const ann = await open("ours", "ann", right);
        const mallory = await open(core, "mallory", { ...wrong, verifies: right.verifies });
        const session = await ann.group("chat", { interval: 300, retries: 3 });
        await assert.rejects(session.invite(mallory));
        await session.delete();
        for (const app of [ann, mallory]) await app.disconnect();
      },
    );
    await check(`${core}: SID-06: a token for another audience is not let in`, async () => {
      const keys = byPem("Es256", pair("ec", { namedCurve: "P-256" }));
      const ann = await open("ours", "ann", { ...keys, audience: ["slim"] });
      const bob = await open(core, "bob", { ...keys, audience: ["else"] });
      const session = await ann.group("chat", { interval: 300, retries: 3 });
      await assert.rejects(session.invite(bob));
      await session.delete();
      for (const app of [ann, bob]) await app.disconnect();
    });
  }
}
