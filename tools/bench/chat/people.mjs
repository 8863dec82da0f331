// Registers `count` inboxes at the node and says their ids.
import { wallet } from "../../../interop/lib/sdk.mjs";
import { Client } from "../../../packages/client/dist/node.js";

const { url, count } = JSON.parse(process.argv[2]);
const inboxIds = [];
for (let at = 0; at < count; at++) {
  const client = await Client.create(wallet().signer, {
    apiUrl: url,
    dbPath: null,
    workers: false,
  });
  inboxIds.push(client.inboxId);
  await client.close();
}
console.log(JSON.stringify({ inboxIds }));
process.exit(0);
