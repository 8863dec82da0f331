import { epochOf, joined } from "./crowd.mjs";
import { unsafeClient } from "./forger.mjs";
import { ourClient } from "./ours.mjs";
import { sdkClient, wallet } from "./sdk.mjs";

/**
 * A forger, and one client of each kind that looks on: the same three in every group that the returned function makes. Without a founder of its
 * own, the forger is the group's super admin.
 */
export function groupsWithForger(node) {
  let eve;
  let ann;
  let bob;
  return async (founder) => {
    eve ??= await unsafeClient(node, wallet());
    ann ??= await ourClient(node);
    bob ??= await sdkClient(node);
    const creator = founder ?? eve.client;
    const others = [eve.client, ann, bob].filter((one) => one !== creator);
    const group = await creator.conversations.createGroup(others.map(({ inboxId }) => inboxId));
    const anns = await joined(ann, group.id);
    const bobs = await joined(bob, group.id);
    if (founder) await joined(eve.client, group.id);
    await epochOf(...(founder ? [group] : []), anns, bobs);
    return { eve, ann, bob, group, anns, bobs };
  };
}
