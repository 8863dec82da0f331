// One client in a process of its own, so that it can be killed: takes orders as lines of JSON on stdin and answers each on stdout.
import { clientOf, spoken } from "./crowd.mjs";
import { wallet } from "./sdk.mjs";
import { takeOrders } from "./take-orders.mjs";

const { kind, url, secret, file } = JSON.parse(process.argv[2]);
const dbEncryptionKey = new Uint8Array(32).fill(9);
const client = await clientOf(kind, { url }, wallet(Buffer.from(secret, "hex")), {
  dbPath: file,
  dbEncryptionKey,
});
const groupOf = async (id) => {
  const known = await client.conversations.getConversationById(id);
  if (known) return known;
  await client.conversations.sync();
  const found = await client.conversations.getConversationById(id);
  if (!found) throw new Error("not in the group");
  return found;
};
let stream;
let heard = [];

const orders = {
  who: async () => ({ inboxId: client.inboxId, installationId: client.installationId }),
  create: async ({ inboxIds }) => ({ id: (await client.conversations.createGroup(inboxIds)).id }),
  async call({ group: id, method, args = [] }) {
    const group = await groupOf(id);
    const answer = await group[method](...args);
    return typeof answer === "string" ? answer : null;
  },
  async listen({ group: id }) {
    heard = [];
    stream = await (
      await groupOf(id)
    ).stream({
      retryDelay: 200,
      retryAttempts: 100,
      onValue: (message) => {
        if (typeof message.content === "string") heard.push(message.content);
      },
    });
  },
  heard: async () => heard,
  async unlisten() {
    await stream?.end();
  },
  async state({ group: id }) {
    const group = await groupOf(id);
    const { epoch, maybeForked } = await group.debugInfo();
    return {
      epoch: String(epoch),
      maybeForked,
      name: group.name,
      description: group.description,
      admins: [...group.listAdmins()].toSorted(),
      superAdmins: [...group.listSuperAdmins()].toSorted(),
      members: (await group.members()).map(({ inboxId }) => inboxId).toSorted(),
      messages: await spoken(group),
    };
  },
};

takeOrders(orders);
