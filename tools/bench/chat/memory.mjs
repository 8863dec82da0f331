// Opens one client, reads all its groups, and says what the process holds.
import { sdkClient, wallet } from "../../../interop/lib/sdk.mjs";
import { Client } from "../../../packages/client/dist/node.js";

const { kind, url, secret, file, groups } = JSON.parse(process.argv[2]);
const who = wallet(Buffer.from(secret, "hex"));
const storage = { dbPath: file, dbEncryptionKey: new Uint8Array(32).fill(7) };
const client =
  kind === "sdk"
    ? await sdkClient({ url }, who, storage)
    : await Client.create(who.signer, { apiUrl: url, ...storage });
await client.conversations.syncAll();
const list = await client.conversations.list();
if (list.length !== groups) throw new Error(`${list.length} of ${groups} groups`);
for (const group of list) {
  const members = await group.members();
  if (members.length < 3) throw new Error("members are missing");
  await group.messages({ limit: 10 });
}
await new Promise((resolve) => setTimeout(resolve, 1_000));
console.log(JSON.stringify({ rssMb: process.memoryUsage().rss / 1e6 }));
process.exit(0);
