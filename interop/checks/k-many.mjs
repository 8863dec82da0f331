// Many installations and many members: pointers both ways, people with devices of both kinds, groups of 120, direct messages that
// both sides began.
import { assert, eventually } from "../lib/check.mjs";
import { assertSame, clientOf, epochOf, joined, otherKind, spoken } from "../lib/crowd.mjs";
import { ourClient, texts } from "../lib/ours.mjs";
import { sdkClient, wallet } from "../lib/sdk.mjs";
import { welcomesOf } from "../lib/wire.mjs";

const kinds = ["ours", "sdk"];
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export default async function run({ node, check }) {
  for (const kind of kinds) {
    await check(
      `XWL-08: ${kind} adds three of each kind by pointers to one welcome, and all join`,
      async () => {
        const owner = await clientOf(kind, node);
        const guests = [];
        for (const other of ["ours", "sdk", "ours", "sdk", "ours", "sdk"]) {
          guests.push(await clientOf(other, node));
        }
        const group = await owner.conversations.createGroup(guests.map(({ inboxId }) => inboxId));
        for (const guest of guests) {
          const [welcome] = await welcomesOf(node, guest.installationId);
          assert.equal(welcome.kind, "welcomePointer");
        }
        const groups = [];
        for (const guest of guests) groups.push(await joined(guest, group.id));
        await groups[0].sendText("by pointer");
        await groups[1].sendText("me too");
        await epochOf(group, ...groups);
        await assertSame(group, ...groups);
        for (const one of groups) assert.deepEqual(await texts(one), ["by pointer", "me too"]);
        for (const client of [owner, ...guests]) await client.close();
      },
    );

    await check(`XWL-08: ${kind} adds two, each with a welcome of its own`, async () => {
      const owner = await clientOf(kind, node);
      const guests = [await ourClient(node), await sdkClient(node)];
      const group = await owner.conversations.createGroup(guests.map(({ inboxId }) => inboxId));
      for (const guest of guests) {
        const [welcome] = await welcomesOf(node, guest.installationId);
        assert.equal(welcome.kind, "v1");
        assert.ok(await joined(guest, group.id));
      }
      for (const client of [owner, ...guests]) await client.close();
    });

    await check(
      `XGC-52: ${kind} adds a person with two devices of each kind, who later loses one`,
      async () => {
        const who = wallet();
        const devices = [];
        for (const other of ["sdk", "ours", "sdk", "ours"]) {
          devices.push(await clientOf(other, node, who));
        }
        const owner = await clientOf(kind, node);
        const watcher = await clientOf(otherKind(kind), node);
        const group = await owner.conversations.createGroup([devices[0].inboxId, watcher.inboxId]);
        const watched = await joined(watcher, group.id);
        const groups = [];
        for (const device of devices) groups.push(await joined(device, group.id));
        for (const [at, one] of groups.entries()) await one.sendText(`from device ${at}`);
        await epochOf(group, watched, ...groups);
        const person = (await group.members()).find(
          ({ inboxId }) => inboxId === devices[0].inboxId,
        );
        assert.equal(person.installationIds.length, 4);
        // The last one goes: its own kind's client revokes it, the group's owner takes it out.
        await devices[0].revokeInstallations([devices[3].installationIdBytes]);
        await pause(5_100);
        await group.sendText("without the fourth");
        await epochOf(group, watched, ...groups.slice(0, 3));
        await assertSame(group, watched, ...groups.slice(0, 3));
        await groups[3].sync().catch(() => {});
        assert.equal(groups[3].isActive, false);
        assert.equal((await texts(groups[2])).at(-1), "without the fourth");
        // All of the person goes, then comes back with the devices that are left.
        await group.removeMembers([devices[0].inboxId]);
        for (const one of groups.slice(0, 3)) {
          await one.sync().catch(() => {});
          assert.equal(one.isActive, false);
        }
        await group.addMembers([devices[0].inboxId]);
        const back = [];
        for (const device of devices.slice(0, 3)) back.push(await joined(device, group.id));
        await back[1].sendText("we are back");
        await epochOf(group, watched, ...back);
        await assertSame(group, watched, ...back);
        for (const client of [owner, watcher, ...devices]) await client.close();
      },
    );
  }

  await check("XID-33: an eleventh installation is refused, of whichever kind", async () => {
    const who = wallet();
    const devices = [];
    for (let at = 0; at < 10; at++) {
      devices.push(await clientOf(kinds[at % 2], node, who, at % 2 ? {} : { workers: false }));
    }
    await assert.rejects(ourClient(node, who));
    await assert.rejects(sdkClient(node, who));
    const [state] = await devices[1].preferences.fetchInboxStates([devices[0].inboxId]);
    assert.equal(state.installations.length, 10);
    await devices[0].revokeAllOtherInstallations();
    const again = await sdkClient(node, who);
    assert.equal(again.inboxId, devices[0].inboxId);
    for (const client of [...devices, again]) await client.close();
  });

  for (const kind of kinds) {
    await check(
      `XDM-05: both begin a direct message at once; it is one for ${kind} and for the other`,
      async () => {
        const mine = await clientOf(kind, node);
        const theirs = await clientOf(otherKind(kind), node);
        const [left, right] = await Promise.all([
          mine.conversations.createDm(theirs.inboxId),
          theirs.conversations.createDm(mine.inboxId),
        ]);
        assert.notEqual(left.id, right.id);
        await left.sendText("from the left");
        await right.sendText("from the right");
        const see = async (client, peer) => {
          await client.conversations.syncAll();
          const listed = await client.conversations.listDms();
          assert.equal(listed.length, 1);
          const dm = await client.conversations.getDmByInboxId(peer.inboxId);
          assert.equal(dm.id, listed[0].id);
          assert.equal(dm.peerInboxId, peer.inboxId);
          await dm.sync();
          const other = await dm.duplicateDms();
          assert.equal(other.length, 1);
          assert.deepEqual([dm.id, other[0].id].toSorted(), [left.id, right.id].toSorted());
          return (await texts(dm)).toSorted();
        };
        assert.deepEqual(await see(mine, theirs), ["from the left", "from the right"]);
        assert.deepEqual(await see(theirs, mine), ["from the left", "from the right"]);
        // From now on each writes into the one it shows, and both read both.
        for (const [client, peer, text] of [
          [mine, theirs, "left again"],
          [theirs, mine, "right again"],
        ]) {
          const dm = await client.conversations.createDm(peer.inboxId);
          await dm.sendText(text);
        }
        for (const [client, peer] of [
          [mine, theirs],
          [theirs, mine],
        ]) {
          await client.conversations.syncAll();
          const dm = await client.conversations.getDmByInboxId(peer.inboxId);
          await dm.sync();
          const all = await texts(dm);
          assert.ok(all.includes("left again") && all.includes("right again"), all.join());
        }
        await mine.close();
        await theirs.close();
      },
    );

    await check(
      `XDM-06: in a direct message of ${kind} with the other kind, disappearing is for both to set`,
      async () => {
        const mine = await clientOf(kind, node);
        const theirs = await clientOf(otherKind(kind), node);
        const dm = await mine.conversations.createDm(theirs.inboxId);
        await theirs.conversations.sync();
        const their = await theirs.conversations.getDmByInboxId(mine.inboxId);
        await their.updateMessageDisappearingSettings(1n, 1_000_000_000n);
        await dm.sync();
        assert.ok(dm.isMessageDisappearingEnabled());
        await dm.sendText("soon gone");
        await their.sync();
        assert.ok((await texts(their)).includes("soon gone"));
        await eventually("both to forget", async () =>
          [...(await texts(dm)), ...(await texts(their))].every((text) => text !== "soon gone"),
        );
        await dm.removeMessageDisappearingSettings();
        await their.sync();
        assert.equal(their.isMessageDisappearingEnabled(), false);
        await assert.rejects(async () => their.requestRemoval());
        await epochOf(dm, their);
        await mine.close();
        await theirs.close();
      },
    );

    await check(`XDM-03: ${kind} finds the direct message again on a second device`, async () => {
      const who = wallet();
      const desk = await clientOf(kind, node, who);
      const peer = await clientOf(otherKind(kind), node);
      const dm = await desk.conversations.createDm(peer.inboxId);
      await dm.sendText("from the desk");
      const phone = await clientOf(otherKind(kind), node, who);
      await pause(5_100);
      const theirs = await joined(peer, dm.id);
      await theirs.sendText("to all your devices");
      await phone.conversations.sync();
      const found = await phone.conversations.createDm(peer.inboxId);
      assert.equal(found.id, dm.id);
      await found.sync();
      assert.ok((await texts(found)).includes("to all your devices"));
      await found.sendText("from the phone");
      await epochOf(dm, theirs, found);
      assert.equal((await texts(dm)).at(-1), "from the phone");
      for (const client of [desk, peer, phone]) await client.close();
    });
  }

  await check("XMS-03: messages of 900 kB and of nothing, and words of every script", async () => {
    const mine = await ourClient(node);
    const theirs = await sdkClient(node);
    const group = await mine.conversations.createGroup([theirs.inboxId]);
    const their = await joined(theirs, group.id);
    const large = "ä".repeat(450_000);
    const said = [large, "", "日本語 🜁 \u0000 عربى", "line\nline"];
    for (const [at, text] of said.entries()) await (at % 2 ? group : their).sendText(text);
    for (const one of [group, their]) {
      await one.sync();
      assert.deepEqual(await texts(one), said);
    }
    assert.deepEqual(
      (await spoken(group)).map(({ id }) => id),
      (await spoken(their)).map(({ id }) => id),
    );
    await mine.close();
    await theirs.close();
  });

  await check(
    "XMS-02: messages of one member keep their order, optimistic ones included",
    async () => {
      const mine = await ourClient(node);
      const theirs = await sdkClient(node);
      const group = await mine.conversations.createGroup([theirs.inboxId]);
      const their = await joined(theirs, group.id);
      for (const writer of [group, their]) {
        for (let at = 0; at < 60; at++) await writer.sendText(`${at}`, { optimistic: true });
        await writer.publishMessages();
      }
      const wanted = Array.from({ length: 120 }, (_, at) => `${at % 60}`);
      for (const one of [group, their]) {
        await one.sync();
        assert.deepEqual(await texts(one), wanted);
      }
      await mine.close();
      await theirs.close();
    },
  );

  let crowd;
  await check(
    "O-1: a group of 121 that ours made and writes",
    async () => {
      crowd = [];
      for (let at = 0; at < 120; at++)
        crowd.push(await clientOf(kinds[at % 2], node, wallet(), at % 2 ? {} : { workers: false }));
      const owner = await ourClient(node);
      const inboxIds = crowd.map(({ inboxId }) => inboxId);
      const group = await owner.conversations.createGroup(inboxIds);
      const seats = [0, 1, 58, 59, 118, 119];
      const seated = [];
      for (const at of seats) seated.push(await joined(crowd[at], group.id));
      for (const [at, one] of seated.entries()) await one.sendText(`from seat ${seats[at]}`);
      await epochOf(group, ...seated);
      await group.updateName("a crowd");
      await group.addSuperAdmin(inboxIds[1]);
      await group.removeMembers(inboxIds.slice(20, 50));
      await epochOf(group, ...seated);
      await seated[1].addMembers(inboxIds.slice(20, 30));
      await seated[1].removeMembers(inboxIds.slice(60, 70));
      await group.addMembers([...inboxIds.slice(30, 50), ...inboxIds.slice(60, 70)]);
      const again = [await joined(crowd[25], group.id), await joined(crowd[64], group.id)];
      await again[0].sendText("back");
      await epochOf(group, ...seated, ...again);
      await assertSame(group, ...seated, ...again);
      assert.equal((await group.members()).length, 121);
      for (const one of seated) assert.equal((await texts(one)).at(-1), "back");
      await owner.close();
    },
    { timeoutMs: 600_000 },
  );
  for (const client of crowd ?? []) await client.close();
}
