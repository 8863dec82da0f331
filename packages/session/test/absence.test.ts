import { expect, test } from "vitest";
import { createAbsence } from "../src/core/absence.ts";
import type { Absence, AbsenceOptions } from "../src/core/absence.ts";

function world(options: Partial<AbsenceOptions> = {}): {
  readonly absence: Absence;
  happened(): string[];
} {
  const log: string[] = [];
  const absence = createAbsence(
    {
      mls: true,
      follows: () => true,
      members: () => ["b", "c"],
      online: () => ["b"],
      ...options,
    },
    {
      announce: (state, expected) => log.push(`announce ${state} to ${expected.join("+")}`),
      askBack: () => log.push("ask back"),
      withdraw: () => log.push("withdraw"),
      mark: (member, online) => log.push(`${member} ${online ? "online" : "offline"}`),
      present: (isPresent) => log.push(isPresent ? "present" : "absent"),
      done: (handle) => log.push(`done ${handle}`),
      failed: (handle, why) => log.push(`failed ${handle} ${why}`),
    },
  );
  return { absence, happened: () => log.splice(0) };
}

test("SHB-10: a soft close is told to those online; then heartbeats stop and everything is refused", () => {
  const { absence, happened } = world();
  absence.softClose(1);
  expect(happened()).toEqual(["announce offline to b"]);
  expect(absence.isAway).toBe(false);
  absence.announced();
  expect(happened()).toEqual(["absent", "done 1"]);
  expect(absence.isAway).toBe(true);
  absence.softClose(2);
  expect(happened()).toEqual(["done 2"]);
});

test("SHB-10: a second change meanwhile fails", () => {
  const { absence, happened } = world();
  absence.softClose(1);
  absence.softClose(2);
  absence.rejoin(3);
  absence.repair();
  expect(happened()).toEqual(["announce offline to b", "failed 2 busy", "failed 3 busy"]);
});

test("SHB-10: alone there is nobody to wait for", () => {
  const { absence, happened } = world({ online: () => [] });
  absence.softClose(1);
  expect(happened()).toEqual(["announce offline to ", "absent", "done 1"]);
});

test("SHB-11: coming back, all are offline until they acknowledge", () => {
  const { absence, happened } = world({ away: true });
  absence.rejoin(1);
  expect(happened()).toEqual(["b offline", "c offline", "announce online to b+c"]);
  absence.acknowledged("c");
  expect(happened()).toEqual(["c online"]);
  expect(absence.isAway).toBe(true);
  absence.announced();
  expect(happened()).toEqual(["present", "done 1"]);
  expect(absence.isAway).toBe(false);
});

test("SHB-13: the first refusal asks the moderator for a place; more refusals change nothing", () => {
  const { absence, happened } = world({ away: true });
  absence.rejoin(1);
  happened();
  absence.refused("b");
  expect(happened()).toEqual(["withdraw", "ask back"]);
  absence.refused("c");
  absence.acknowledged("c");
  absence.announced();
  expect(happened()).toEqual([]);
  absence.returned();
  expect(happened()).toEqual(["withdraw", "present", "done 1"]);
});

test("SHB-13: a moderator that does not answer leaves us away", () => {
  const { absence, happened } = world({ away: true });
  absence.rejoin(1);
  absence.refused("b");
  happened();
  absence.unanswered();
  expect(happened()).toEqual(["failed 1 unanswered"]);
  expect(absence.isAway).toBe(true);
});

test("SHB-13, SHB-14: who moderates comes back whoever refuses it: it is they who are behind, and it gives the places", () => {
  const { absence, happened } = world({ away: true, follows: () => false });
  absence.rejoin(1);
  happened();
  absence.refused("b");
  expect(happened()).toEqual([]);
  absence.announced();
  expect(happened()).toEqual(["present", "done 1"]);
  expect(absence.isAway).toBe(false);
});

test("SHB-18: what was asked of a moderator that is none any more is asked of the new one", () => {
  const { absence, happened } = world({ away: true });
  absence.rejoin(1);
  absence.moderatorChanged();
  absence.refused("b");
  happened();
  absence.moderatorChanged();
  expect(happened()).toEqual(["withdraw", "ask back"]);
  absence.returned();
  expect(happened()).toEqual(["withdraw", "present", "done 1"]);
});

test("SHB-19, SHB-20: without MLS we ask the moderator while still offline, as ONLINE alone would keep a stale roster", () => {
  const { absence, happened } = world({ mls: false, away: true });
  absence.rejoin(1);
  expect(happened()).toEqual(["ask back"]);
  absence.returned();
  expect(happened()).toEqual(["withdraw", "present", "done 1"]);
});

test("SHB-20: unanswered, the ONLINE change is better than nothing", () => {
  const { absence, happened } = world({ mls: false, away: true });
  absence.rejoin(1);
  happened();
  absence.unanswered();
  expect(happened()).toEqual(["b offline", "c offline", "announce online to b+c"]);
  absence.announced();
  expect(happened()).toEqual(["present", "done 1"]);
});

test("SHB-20: the roster of an online member is repaired by going and coming back, and the app notices nothing", () => {
  const { absence, happened } = world({ mls: false });
  absence.repair();
  absence.repair();
  expect(happened()).toEqual(["announce offline to b"]);
  absence.announced();
  expect(absence.isAway).toBe(false);
  expect(happened()).toEqual(["ask back"]);
  absence.returned();
  expect(happened()).toEqual(["withdraw", "present"]);
  expect(absence.isChanging).toBe(false);
});

test("SHB-07: with MLS a member that is behind asks for a place at once, one request at a time", () => {
  const { absence, happened } = world();
  absence.repair();
  absence.repair();
  expect(happened()).toEqual(["ask back"]);
  absence.unanswered();
  expect(happened()).toEqual([]);
  absence.repair();
  expect(happened()).toEqual(["ask back"]);
});

test("SHB-16: a moderator comes back by ONLINE alone, with MLS and without", () => {
  for (const mls of [true, false]) {
    const { absence, happened } = world({ mls, away: true, follows: () => false });
    absence.rejoin(1);
    expect(happened()).toEqual(["b offline", "c offline", "announce online to b+c"]);
  }
});

test("a session that ends ends its change of status", () => {
  const { absence, happened } = world();
  absence.softClose(1);
  happened();
  absence.close();
  absence.announced();
  expect(happened()).toEqual(["withdraw", "failed 1 unanswered"]);
});
