// Each action of the specification's §6, by a member, an admin and a super admin of either kind, under three policy sets, before
// members of both kinds: what may be done is done for all, what may not be done is done for nobody.
import { assert } from "../lib/check.mjs";
import { assertSame, clientOf, epochOf, joined, otherKind, portrait } from "../lib/crowd.mjs";
import { wallet } from "../lib/sdk.mjs";

const roles = ["member", "admin", "super"];
const rank = { member: 0, admin: 1, super: 2 };
/** By PermissionPolicy: 0 allow, 1 deny, 2 admin, 3 super admin. */
const least = [0, 3, 1, 2];
const policies = {
  default: {
    options: { permissions: 0 },
    add: 0,
    remove: 2,
    name: 0,
    description: 0,
    image: 0,
    appData: 0,
    disappear: 2,
    addAdmin: 3,
    removeAdmin: 3,
  },
  "admin only": {
    options: { permissions: 1 },
    add: 2,
    remove: 2,
    name: 2,
    description: 2,
    image: 2,
    appData: 2,
    disappear: 2,
    addAdmin: 3,
    removeAdmin: 3,
  },
  custom: {
    options: {
      permissions: 2,
      customPermissionPolicySet: {
        addMemberPolicy: 3,
        removeMemberPolicy: 0,
        addAdminPolicy: 2,
        removeAdminPolicy: 1,
        updateGroupNamePolicy: 1,
        updateGroupDescriptionPolicy: 2,
        updateGroupImageUrlSquarePolicy: 3,
        updateMessageDisappearingPolicy: 2,
        updateAppDataPolicy: 0,
      },
    },
    add: 3,
    remove: 0,
    name: 1,
    description: 2,
    image: 3,
    appData: 0,
    disappear: 2,
    addAdmin: 2,
    removeAdmin: 1,
  },
};

export default async function run({ node, check }) {
  const cast = { ours: {}, sdk: {} };
  let guests;
  await check("ten clients of both kinds", async () => {
    for (const kind of ["ours", "sdk"]) {
      for (const role of [...roles, "watcher"]) {
        cast[kind][role] = await clientOf(kind, node, wallet());
      }
    }
    guests = [await clientOf("ours", node, wallet()), await clientOf("sdk", node, wallet())];
  });

  for (const [title, policy] of Object.entries(policies)) {
    for (const kind of ["ours", "sdk"]) {
      const owners = cast[otherKind(kind)];
      const actors = cast[kind];
      let owner;
      let group;
      let watchers;
      let admin;
      const [guest, victim] = guests;

      await check(
        `${title}: a group of ${otherKind(kind)} with three actors of ${kind}`,
        async () => {
          owner = owners.super;
          const everybody = [
            ...roles.map((role) => actors[role]),
            actors.watcher,
            owners.watcher,
            victim,
          ];
          group = await owner.conversations.createGroup(
            everybody.map(({ inboxId }) => inboxId),
            policy.options,
          );
          await group.addSuperAdmin(actors.super.inboxId);
          // A set may forbid what the owner needs; super admins may always change the set.
          const { addAdminPolicy } = group.permissions().policySet;
          if (addAdminPolicy === 1) await group.updatePermission(2, 3);
          await group.addAdmin(actors.admin.inboxId);
          if (addAdminPolicy === 1) await group.updatePermission(2, 1);
          admin = {};
          for (const role of roles) admin[role] = await joined(actors[role], group.id);
          watchers = [
            group,
            await joined(actors.watcher, group.id),
            await joined(owners.watcher, group.id),
            ...Object.values(admin),
          ];
          await epochOf(...watchers);
          await assertSame(...watchers);
        },
      );

      const newPolicy = policy.image === 3 ? 2 : 3;
      const membersNow = async () => (await group.members()).map(({ inboxId }) => inboxId);
      /** [rule, what, who may, what the actor does, whether it is so now, how the owner sets the stage again] */
      const actions = [
        [
          "XGC-40",
          "add a member",
          policy.add,
          (own) => own.addMembers([guest.inboxId]),
          async () => (await membersNow()).includes(guest.inboxId),
          () => asOwner(1, 0, () => group.removeMembers([guest.inboxId])),
        ],
        [
          "XGC-40",
          "remove a member",
          policy.remove,
          (own) => own.removeMembers([victim.inboxId]),
          async () => !(await membersNow()).includes(victim.inboxId),
          () => asOwner(0, 0, () => group.addMembers([victim.inboxId])),
        ],
        [
          "XGC-41",
          "change the name",
          policy.name,
          (own, role) => own.updateName(`name by ${role}`),
          async (role) => group.name === `name by ${role}`,
        ],
        [
          "XGC-41",
          "change the description",
          policy.description,
          (own, role) => own.updateDescription(`description by ${role}`),
          async (role) => group.description === `description by ${role}`,
        ],
        [
          "XGC-41",
          "change the image",
          policy.image,
          (own, role) => own.updateImageUrl(`https://example.org/${role}.png`),
          async (role) => group.imageUrl === `https://example.org/${role}.png`,
        ],
        [
          "XGC-41",
          "change the app data",
          policy.appData,
          (own, role) => own.updateAppData(`{"by":"${role}"}`),
          async (role) => group.appData === `{"by":"${role}"}`,
        ],
        [
          "XDS-02",
          "make messages disappear",
          policy.disappear,
          (own) => own.updateMessageDisappearingSettings(1n, 10n ** 18n),
          async () => group.isMessageDisappearingEnabled(),
          () => group.removeMessageDisappearingSettings(),
        ],
        [
          "XGC-42",
          "make an admin",
          policy.addAdmin,
          (own) => own.addAdmin(actors.watcher.inboxId),
          async () => group.listAdmins().includes(actors.watcher.inboxId),
          () => asOwner(3, 3, () => group.removeAdmin(actors.watcher.inboxId)),
        ],
        [
          "XGC-42",
          "unmake an admin",
          policy.removeAdmin,
          (own) => own.removeAdmin(actors.admin.inboxId),
          async () => !group.listAdmins().includes(actors.admin.inboxId),
          () => asOwner(2, 3, () => group.addAdmin(actors.admin.inboxId)),
        ],
        [
          "XPM-05",
          "make a super admin",
          3,
          (own) => own.addSuperAdmin(actors.watcher.inboxId),
          async () => group.listSuperAdmins().includes(actors.watcher.inboxId),
          () => group.removeSuperAdmin(actors.watcher.inboxId),
        ],
        [
          "XPM-06",
          "change a permission",
          3,
          (own) => own.updatePermission(4, newPolicy, 3),
          async () => group.permissions().policySet.updateGroupImageUrlSquarePolicy === newPolicy,
          () => group.updatePermission(4, policy.image, 3),
        ],
        [
          "XPM-07",
          "remove a super admin",
          1,
          (own) => own.removeMembers([owner.inboxId]),
          async () => !(await membersNow()).includes(owner.inboxId),
        ],
      ];
      /** What the set may forbid its owner, who opens it for a moment. */
      const asOwner = async (type, to, work) => {
        const names = [
          "addMemberPolicy",
          "removeMemberPolicy",
          "addAdminPolicy",
          "removeAdminPolicy",
        ];
        const was = group.permissions().policySet[names[type]];
        if (was === 1) await group.updatePermission(type, to);
        await work();
        if (was === 1) await group.updatePermission(type, was);
      };

      for (const [rule, what, setting, attempt, happened, restore] of actions) {
        await check(`${rule}: ${title}: ${kind} ${what}, by role`, async () => {
          for (const role of roles) {
            const may = setting !== 1 && rank[role] >= least[setting];
            const before = await epochOf(group, admin[role]);
            const was = await portrait(group);
            const outcome = attempt(admin[role], role);
            if (may) await outcome;
            else await assert.rejects(outcome, `${role} may not`);
            const after = await epochOf(...watchers);
            assert.equal(await happened(role), may, `${role}, ${what}`);
            if (!may) {
              assert.equal(after, before);
              assert.deepEqual(await portrait(group), was);
            }
            await assertSame(...watchers);
            if (may && restore) await restore();
          }
        });
      }

      await check(`XMS-01: ${title}: after all that everybody of ${kind} is heard`, async () => {
        for (const role of roles) await admin[role].sendText(`still here, ${role}`);
        await epochOf(...watchers);
        for (const one of watchers) {
          const said = (await one.messages())
            .map(({ content }) => content)
            .filter((content) => typeof content === "string");
          assert.deepEqual(
            said,
            roles.map((role) => `still here, ${role}`),
          );
        }
      });
    }
  }
  for (const kind of ["ours", "sdk"])
    for (const client of Object.values(cast[kind])) await client.close();
  for (const client of guests) await client.close();
}
