import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { sdkClient, wallet } from "../../../interop/lib/sdk.mjs";
import { Client } from "../../../packages/client/dist/node.js";

const script = (name) => fileURLToPath(new URL(name, import.meta.url));
const call = promisify(execFile);
const key = new Uint8Array(32).fill(7);

/** Runs one of the scripts beside this file in a process of its own; its answer is one line of JSON. */
export async function inChild(name, args) {
  const { stdout } = await call(process.execPath, [script(name), JSON.stringify(args)], {
    maxBuffer: 1 << 26,
  });
  return JSON.parse(stdout);
}

/** Clients of both kinds, and people who registered in another process, so that nothing here remembers them. */
export async function createWorld({ node, folder, people: count, memory }) {
  const { inboxIds } = await inChild("people.mjs", { url: node.url, count });
  const opened = new Set();
  let at = 0;
  let files = 0;

  const storage = (file) =>
    memory && file === undefined
      ? { dbPath: null }
      : { dbPath: file ?? join(folder, `${files++}.db3`), dbEncryptionKey: key };
  const world = {
    node,
    wallet,
    newFile: () => join(folder, `${files++}.db3`),
    /** A client of "ours" or "sdk", closed when its row ends. */
    async open(kind, { who = wallet(), file, ...more } = {}) {
      const client =
        kind === "sdk"
          ? await sdkClient(node, who, { ...storage(file), ...more })
          : await Client.create(who.signer, { apiUrl: node.url, ...storage(file), ...more });
      client.wallet = who;
      opened.add(client);
      return client;
    },
    async close(client) {
      opened.delete(client);
      await client.close();
    },
    async closeAll() {
      for (const client of opened) await client.close();
      opened.clear();
    },
    /** Inboxes that nobody has met since they all had their turn. */
    people(wanted) {
      return Array.from({ length: wanted }, () => inboxIds[at++ % inboxIds.length]);
    },
    newSecret: () => randomBytes(32),
  };
  return world;
}
