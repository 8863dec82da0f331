import { assert } from "./check.mjs";
import { wallet } from "./sdk.mjs";

const entry = new URL("../../packages/client/dist/node.js", import.meta.url);
const core = new URL("../../packages/client/dist/index.js", import.meta.url);
const { Client } = await import(entry.href);
export const ours = await import(core.href);

/** A client of ours: one installation of the wallet's inbox, in memory unless told otherwise. */
export async function ourClient(node, who = wallet(), more = {}) {
  const client = await Client.create(who.signer, { apiUrl: node.url, dbPath: null, ...more });
  client.wallet = who;
  client.refusals = [];
  client.onEvent((event) => {
    if (event.kind === "refused") client.refusals.push(event);
  });
  return client;
}

/** The texts of a conversation, of either client. */
export const texts = async (conversation) =>
  (await conversation.messages())
    .map(({ content }) => content)
    .filter((content) => typeof content === "string");

/** Epoch and fork flag of either client, after it has read everything. */
export async function standing(conversation) {
  await conversation.sync();
  const { epoch, maybeForked } = await conversation.debugInfo();
  return { epoch: BigInt(epoch), maybeForked };
}

/**
 * The one epoch in which all stand after they have read everything. A member may find at its sync that a commit of its own is still to be
 * sent, and sends it: then those before it look once more. Forked ones never agree.
 */
export async function epochOf(...conversations) {
  let all;
  for (let round = 0; round < 5; round++) {
    all = [];
    for (const conversation of conversations) all.push(await standing(conversation));
    if (all.every(({ epoch }) => epoch === all[0].epoch)) break;
  }
  for (const { epoch, maybeForked } of all) {
    assert.equal(maybeForked, false);
    assert.equal(epoch, all[0].epoch, `epochs differ: ${all.map((one) => one.epoch)}`);
  }
  return all[0].epoch;
}
