import { expect, test } from "vitest";
import { createWorld } from "./world.ts";
import type { WorldApp } from "./world.ts";

const reliability = { intervalMs: 1_000, maxRetries: 5 };
const rough = { loss: 0.15, duplication: 0.1, lateness: 0.3, lateMs: 400, delayMs: 5 };

for (const [mode, mls] of [
  ["without MLS", undefined],
  ["with MLS", { headerIntegrityPercent: 100 }],
] as const) {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    test(`SGR-11, SGR-12, SGR-13, SGR-14: whatever the network does, operations end and members agree, ${mode}, ${seed}`, () => {
      const world = createWorld({ seed, weather: rough });
      const alice = world.app("agntcy/ns/alice");
      const others = ["bob", "carol", "dan", "eve", "fay"].map((label) =>
        world.app(`agntcy/ns/${label}`),
      );
      const { session } = alice.create(
        { mls, reliability, keepEmptyGroup: true },
        "agntcy/ns/chat",
      );
      const handles: [WorldApp, number][] = [];
      const isIn = (app: WorldApp): boolean => app.core.session(session) !== undefined;
      for (let round = 0; round < 40; round += 1) {
        const app = others[Math.floor(world.random() * others.length)] as WorldApp;
        const draw = world.random();
        if (draw < 0.3) handles.push([alice, alice.invite(session, app.name)]);
        else if (draw < 0.45) handles.push([alice, alice.remove(session, app.name)]);
        else if (draw < 0.5 && isIn(app)) handles.push([app, app.close(session)]);
        else if (draw < 0.75) handles.push([alice, alice.publish(session, `alice ${round}`)]);
        else if (isIn(app)) handles.push([app, app.publish(session, `${app.label} ${round}`)]);
        world.run(Math.floor(world.random() * 4_000));
      }
      world.run(120_000);
      world.weather = {};
      world.run(120_000);
      for (const [app, handle] of handles) expect(app.outcome(handle)).toBeDefined();
      // a member that a rough night threw out is asked in again
      const roster = Object.keys(alice.members(session));
      const members = [alice, ...others].filter(({ label }) => roster.includes(label));
      for (const app of members) {
        expect([app.label, isIn(app)]).toEqual([app.label, true]);
        expect([app.label, Object.keys(app.members(session))]).toEqual([app.label, roster]);
      }
      expect(new Set(members.map((app) => app.core.session(session)?.epoch)).size).toBe(1);
      for (const app of members) {
        const handle = app.publish(session, `last of ${app.label}`);
        if (members.length < 2) continue;
        expect(world.until(() => app.outcome(handle) !== undefined, 10_000)).toBe(true);
        expect(app.outcome(handle)).toMatchObject({ missing: [] });
      }
      world.run(100);
      for (const app of members) {
        const last = app.texts(session).filter((text) => text.startsWith("last"));
        expect(last.length).toBe(members.length - 1);
      }
    });
  }
}
