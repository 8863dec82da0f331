// Gate B8, and paths and renewals of B13: tokens of ours that live for seconds, in groups with released apps whose own live for an hour. Who checks the tokens of
// all members when somebody comes, as released moderators and newcomers do, finds good ones long after the first have expired (SML-21, SML-22).
import { generateKeyPairSync } from "node:crypto";
import { assert } from "../lib/check.mjs";
import { host } from "../lib/slim-hosts.mjs";
import { cores } from "../lib/slim-kinds.mjs";
import { join } from "../lib/slim-team.mjs";

const lifeMs = 12_000;
/** Released apps forgive a minute. */
const forgivenMs = 60_000;

function keys() {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = (key, type) => key.export({ format: "pem", type });
  return {
    signs: { algorithm: "Es256", format: "Pem", key: pem(privateKey, "pkcs8") },
    verifies: { algorithm: "Es256", format: "Pem", key: pem(publicKey, "spki") },
  };
}

export default async function run({ node, check }) {
  const story = async (core, kinds, title) => {
    const jwt = keys();
    const open = async (kind, name) =>
      (await host(kind)).app(name, {
        url: node.slimUrl,
        jwt: { ...jwt, ...(kind === "ours" ? { duration: lifeMs } : {}) },
      });
    const say = (what, body) => check(`${core}, ${title}: ${what}`, body, { timeoutMs: 150_000 });
    let apps = [];
    let sessions = [];
    const talk = async (word) => {
      for (const [at, session] of sessions.entries()) {
        const words = `${word} by ${apps[at].name}`;
        await session.publish(words);
        for (const other of sessions) {
          if (other !== session) assert.equal(await other.words(10_000), words);
        }
      }
    };
    await say("a group whose tokens of ours live for seconds", async () => {
      apps = await Promise.all(kinds.map((kind, at) => open(kind, `life-${at}`)));
      const session = await apps[0].group("life", { mls: 100, more: { pathOnAdd: true } });
      sessions = [session];
      for (const app of apps.slice(1)) sessions.push(await join(session, app));
      await talk("first");
    });
    await say("SML-21: ours renew theirs again and again, and all hear all", async () => {
      for (const end = Date.now() + lifeMs + forgivenMs + 5_000; Date.now() < end;) {
        await talk("on and on");
        await new Promise((resolve) => setTimeout(resolve, 3_000));
      }
    });
    await say("SML-22: then strangers of both kinds come in, and hear and speak", async () => {
      for (const kind of [core, "ours"]) {
        const app = await open(kind, "late");
        sessions.push(await join(sessions[0], app));
        apps.push(app);
        await talk(`with ${apps.length}`);
      }
      await sessions[0].delete();
      for (const app of apps) await app.disconnect();
    });
  };
  // they do little but wait
  await Promise.all(
    cores.flatMap((core) => [
      story(core, ["ours", core, "ours"], "we moderate"),
      story(core, [core, "ours", "ours"], "a native moderates"),
    ]),
  );
}
