// A super admin without manners: what the API of either side never says, and where both sides must still agree. Version floors,
// conditions in policies, installations added anew.
import { assert } from "../lib/check.mjs";
import { epochOf, joined } from "../lib/crowd.mjs";
import { changed, fromHex, leafOf, unsafeClient, wire } from "../lib/forger.mjs";
import { ourClient, standing, texts } from "../lib/ours.mjs";
import { sdkClient, wallet } from "../lib/sdk.mjs";
import { groupsWithForger } from "../lib/witnesses.mjs";

const { GroupMembership, GroupMutableMetadataV1, GroupMutablePermissionsV1 } = wire;

export default async function run({ node, check }) {
  let eve;
  let ann;
  let bob;
  let group;
  let anns;
  let bobs;

  const create = groupsWithForger(node);
  const newGroup = async () => ({ eve, ann, bob, group, anns, bobs } = await create());
  const context = async (type, codec, change) =>
    changed(await eve.groupNow(group.id), type, codec, change);
  const floor = (version) =>
    context(0xff00, GroupMutableMetadataV1, (value) => ({
      ...value,
      attributes: new Map(value.attributes).set("minimum_supported_protocol_version", version),
    }));

  const base = (value) => ({ kind: "base", value });
  const any = (...policies) => ({ kind: "anyCondition", value: { policies } });
  const and = (...policies) => ({ kind: "andCondition", value: { policies } });
  const conditions = [
    ["any of deny and allow", any(base(2), base(1)), true],
    ["any of super admin and deny", any(base(4), base(2)), false],
    ["all of allow and allow", and(base(1), base(1)), true],
    ["all of allow and admin", and(base(1), base(3)), false],
    ["all of allow and any of deny and allow", and(base(1), any(base(2), base(1))), true],
  ];
  for (const [title, policy, may] of conditions) {
    await check(
      `XPM-02: where ${title} decides who may add, ours and theirs ${may ? "allow" : "refuse"} a member`,
      async () => {
        await newGroup();
        await eve.commit(group.id, [
          await context(0xff02, GroupMutablePermissionsV1, ({ policies }) => ({
            policies: { ...policies, addMemberPolicy: policy },
          })),
        ]);
        await epochOf(anns, bobs);
        assert.equal(bobs.permissions().policySet.addMemberPolicy, 5);
        assert.equal(anns.permissions().policySet.addMemberPolicy, 5);
        for (const [own, guest] of [
          [anns, await sdkClient(node)],
          [bobs, await ourClient(node)],
        ]) {
          const before = await epochOf(anns, bobs);
          const outcome = own.addMembers([guest.inboxId]);
          if (may) await outcome;
          else await assert.rejects(outcome);
          assert.equal(await epochOf(anns, bobs), may ? before + 1n : before);
          if (may) {
            const theirs = await joined(guest, group.id);
            await theirs.sendText("let in");
            await epochOf(anns, bobs, theirs);
          }
          await guest.close();
        }
      },
    );
  }

  for (const [title, policy] of [
    ["no condition at all", any()],
    ["an unknown value", base(9)],
    ["nothing", base(0)],
  ]) {
    await check(`XPM-02: a policy of ${title} is refused by ours and theirs`, async () => {
      await newGroup();
      const before = await epochOf(anns, bobs);
      await eve.commit(group.id, [
        await context(0xff02, GroupMutablePermissionsV1, ({ policies }) => ({
          policies: { ...policies, addMemberPolicy: policy },
        })),
      ]);
      const [mine, theirs] = [await standing(anns), await standing(bobs)];
      console.log(`        epoch ${before}: ours ${mine.epoch}, theirs ${theirs.epoch}`);
      assert.equal(mine.epoch, theirs.epoch);
    });
  }

  // The released nightly says 1.11.0-dev of itself and orders as semantic versions do; ours is 1.10.0 and, as 1.10 has it, takes any
  // suffix of its own numbers for something newer.
  const { libxmtpVersion } = await sdkClient(node);
  for (const [version, oursPauses, theirsPauses] of [
    ["1.9.9", false, false],
    ["1.10.0", false, false],
    ["1.10.0-rc1", true, false],
    ["1.10.1", true, false],
    ["1.11.0-a", true, false],
    ["1.11.0-dev", true, false],
    ["1.11.0-zzz", true, true],
    ["1.11.0", true, true],
    ["4294967296.0.0", true, true],
  ]) {
    const who = [oursPauses && "ours", theirsPauses && "theirs"].filter(Boolean);
    await check(
      `XIN-30: at a floor of ${version} ${who.join(" and ") || "nobody"} waits`,
      async () => {
        assert.equal(libxmtpVersion, "1.11.0-dev");
        await newGroup();
        await eve.commit(group.id, [await floor(version)]);
        await anns.sync();
        await bobs.sync();
        assert.equal(anns.pausedForVersion(), oursPauses ? version : undefined);
        assert.equal(bobs.pausedForVersion(), theirsPauses ? version : undefined);
        if (oursPauses) {
          const paused = { code: "client/group-paused" };
          await assert.rejects(anns.sendText("while paused"), paused);
          await assert.rejects(anns.updateName("while paused"), paused);
          await anns.sync();
          assert.equal((await anns.debugInfo()).epoch, 1n);
        } else {
          await anns.sendText("ours goes on");
        }
        if (theirsPauses) await assert.rejects(bobs.sendText("while paused"));
        else await bobs.sendText("theirs goes on");
        if (who.length === 0) {
          await epochOf(anns, bobs);
          assert.deepEqual(await texts(anns), ["ours goes on", "theirs goes on"]);
        }
      },
    );
  }

  for (const version of [
    "not a version",
    "",
    "1.11",
    "v1.0.0",
    "1.0.0-",
    "1.0.0.0",
    "01.2.3",
    "1.0.0-a_b",
    "1.0.0-01",
    "1.0.99999999999999999999",
  ]) {
    await check(`XCV-17: a floor of ${JSON.stringify(version)} is refused by both`, async () => {
      await newGroup();
      const before = await epochOf(anns, bobs);
      await eve.commit(group.id, [await floor(version)]);
      assert.equal(await epochOf(anns, bobs), before);
      assert.equal(ann.refusals.at(-1).rule, "XCV-17");
      await bobs.updateName("we go on");
      assert.equal(await epochOf(anns, bobs), before + 1n);
      assert.equal(anns.name, "we go on");
    });
  }

  await check(
    "XCV-12: a super admin adds an installation anew; ours and theirs follow, and it rejoins",
    async () => {
      await newGroup();
      const before = await epochOf(anns, bobs);
      const now = await eve.groupNow(group.id);
      await eve.commit(group.id, [
        { kind: "remove", removed: leafOf(now, bob.installationId) },
        { kind: "add", keyPackage: await eve.keyPackage(bob.installationId) },
        await context(0xff01, GroupMembership, (value) => ({
          ...value,
          failedInstallations: [...value.failedInstallations, fromHex(bob.installationId)],
        })),
      ]);
      await anns.sync();
      const { epoch } = await standing(anns);
      assert.equal(epoch, before + 1n);
      await bobs.sync().catch(() => {});
      console.log(
        `        the one added anew is ${bobs.isActive ? "active" : "out"} until its welcome`,
      );
    },
  );

  await check("XCV-12: what only a super admin may, a member may not", async () => {
    await newGroup();
    const mallory = await unsafeClient(node, wallet());
    await anns.addMembers([mallory.client.inboxId]);
    await joined(mallory.client, group.id);
    const before = await epochOf(anns, bobs);
    const now = await mallory.groupNow(group.id);
    await mallory.commit(group.id, [
      { kind: "remove", removed: leafOf(now, bob.installationId) },
      { kind: "add", keyPackage: await eve.keyPackage(bob.installationId) },
      changed(now, 0xff01, GroupMembership, (value) => ({
        ...value,
        failedInstallations: [...value.failedInstallations, fromHex(bob.installationId)],
      })),
    ]);
    const [mine, theirs] = [await standing(anns), await standing(bobs)];
    console.log(`        epoch ${before}: ours ${mine.epoch}, theirs ${theirs.epoch}`);
    assert.equal(mine.epoch, theirs.epoch);
  });
}
