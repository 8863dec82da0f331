// Mixed groups: who is in them, and how they agree.
import { assert } from "./check.mjs";
import { ourClient } from "./ours.mjs";
import { sdkClient } from "./sdk.mjs";

/** A client of either kind, "ours" or "sdk". */
export const clientOf = (kind, node, who, more) =>
  kind === "ours" ? ourClient(node, who, more) : sdkClient(node, who, more);
export { epochOf } from "./ours.mjs";
export const otherKind = (kind) => (kind === "ours" ? "sdk" : "ours");

/** The conversation as a client has it once it has read its welcomes. */
export async function joined(client, id) {
  await client.conversations.sync();
  const conversation = await client.conversations.getConversationById(id);
  assert.ok(conversation, "the conversation is not there");
  return conversation;
}

/** What a group is to one of its members, in a form that compares. */
export async function portrait(group) {
  const members = await group.members();
  return {
    name: group.name,
    description: group.description,
    imageUrl: group.imageUrl,
    appData: group.appData,
    admins: [...group.listAdmins()].toSorted(),
    superAdmins: [...group.listSuperAdmins()].toSorted(),
    policySet: { ...group.permissions().policySet },
    disappearing: group.isMessageDisappearingEnabled(),
    members: members
      .map(({ inboxId, installationIds, permissionLevel }) =>
        [inboxId, permissionLevel, ...[...installationIds].toSorted()].join(" "),
      )
      .toSorted(),
  };
}

/** Everybody's portrait is the first one's. */
export async function assertSame(...groups) {
  const first = await portrait(groups[0]);
  for (const group of groups.slice(1)) assert.deepEqual(await portrait(group), first);
  return first;
}

/** The application messages that say text, in order. */
export const spoken = async (conversation) =>
  (await conversation.messages())
    .filter(({ content }) => typeof content === "string")
    .map(({ id, content, sentAtNs, senderInboxId, deliveryStatus }) => ({
      id,
      text: content,
      sentAtNs: String(sentAtNs),
      by: senderInboxId,
      published: deliveryStatus === 1,
    }));
