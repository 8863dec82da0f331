import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createReceiver } from "../../src/core/reliability/receiver.ts";
import { createSender } from "../../src/core/reliability/sender.ts";
import type { Settled } from "../../src/core/reliability/sender.ts";
import { lastDataId } from "../../src/core/reliability/ids.ts";
import { text } from "./network.ts";

const timers = { intervalMs: 100, maxRetries: 3 };

test("SRL-19, SRL-21: whatever ids a source makes up, little waits for it and each id is told once", () => {
  // near each other, far apart, backwards, at the end of the ring
  const step = fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.integer({ min: -600, max: 600 }),
    fc.integer({ min: -(2 ** 29), max: 2 ** 29 }),
  );
  const answers = fc.constantFrom("reply", "lost", "none", "tick");
  fc.assert(
    fc.property(
      fc.constantFrom(1, lastDataId - 700),
      fc.array(fc.tuple(step, answers), { maxLength: 2000 }),
      (first, steps) => {
        const open = new Set<number>();
        let told: { readonly id: number; readonly count: number }[] = [];
        const receiver = createReceiver<number>(
          { timers },
          {
            ack: () => {},
            request: (_source, id) => open.add(id),
            deliver: (_source, id) => {
              open.delete(id);
              told.push({ id, count: 1 });
            },
            lost(_source, id, count) {
              if (count === 1) open.delete(id);
              told.push({ id, count });
            },
          },
        );
        let id = first;
        let nowMs = 0;
        receiver.message("s", id, id, 1, nowMs);
        for (const [by, answer] of steps) {
          id = (id + by) & lastDataId;
          receiver.message("s", id, id, 1, nowMs);
          const [asked] = open;
          if (answer === "tick") receiver.tick((nowMs += 100));
          else if (asked !== undefined && answer !== "none") {
            open.delete(asked);
            receiver.reply("s", asked, answer === "lost" ? undefined : asked, 1, nowMs);
          }
        }
        // each id once, in order, from the first on
        const inOrder = (): void => {
          for (const [at, { id: next }] of told.entries()) {
            const before = told[at - 1];
            if (before !== undefined) expect(next).toBe((before.id + before.count) & lastDataId);
          }
        };
        inOrder();
        const before = told.length;
        receiver.forget("s");
        inOrder();
        // 1024 that came, the gaps between them, and at most 512 ids that might still be asked for
        expect(told.length - before).toBeLessThan(2 * 1024 + 513);
        expect(receiver.wakeAt).toBeUndefined();
        told = [];
      },
    ),
    { numRuns: 60 },
  );
});

test("SRL-02, SRL-06, SRL-07, SRL-08: however members come and go, each publish settles once, and in bounded time while anybody is there", () => {
  const members = ["b", "c", "d"];
  const action = fc.oneof(
    fc.record({ kind: fc.constant("publish" as const) }),
    fc.record({ kind: fc.constant("to" as const), member: fc.constantFrom(...members) }),
    fc.record({ kind: fc.constant("join" as const), member: fc.constantFrom(...members) }),
    fc.record({
      kind: fc.constant("leave" as const),
      member: fc.constantFrom(...members),
      why: fc.constantFrom("offline" as const, "removed" as const),
    }),
    fc.record({
      kind: fc.constantFrom("ack" as const, "request" as const),
      member: fc.constantFrom(...members),
      back: fc.nat(20),
    }),
    fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(300) }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
      const settled = new Map<number, Settled>();
      const sent: number[] = [];
      const since = new Map<number, number>();
      let nowMs = 0;
      let handle = 0;
      let word = 0;
      let there = new Set<string>();
      const sender = createSender(
        { timers, randomWord: () => word++, serveSinceJoin: true },
        {
          message: (id) => sent.push(id),
          reply: () => {},
          settled(done, result) {
            expect(settled.has(done)).toBe(false);
            settled.set(done, result);
          },
          silent: (member) => there.delete(member),
        },
      );
      const tick = (): void => {
        while (sender.wakeAt !== undefined && sender.wakeAt <= nowMs) sender.tick(nowMs);
      };
      for (const one of actions) {
        switch (one.kind) {
          case "publish":
            sender.publish((handle += 1), text("x"), nowMs);
            since.set(handle, nowMs);
            break;
          case "to":
            sender.publishTo((handle += 1), text("x"), one.member, true, nowMs);
            since.set(handle, nowMs);
            break;
          case "join":
            there.add(one.member);
            sender.join([one.member], nowMs);
            break;
          case "leave":
            there.delete(one.member);
            sender.leave(one.member, one.why, nowMs);
            break;
          case "ack":
            sender.acknowledged(one.member, sent.at(-1 - one.back) ?? 1, nowMs);
            break;
          case "request":
            sender.requested(one.member, sent.at(-1 - one.back) ?? 1, nowMs);
            break;
          case "wait":
            nowMs += one.ms;
            tick();
        }
      }
      there = new Set([...there, "b"]);
      sender.join([...there], nowMs);
      // SSN-06: all sends and one more interval
      for (let n = 0; n <= timers.maxRetries; n += 1) {
        nowMs += timers.intervalMs;
        tick();
      }
      expect(sender.unsettled).toBe(0);
      expect(sender.wakeAt).toBeUndefined();
      expect(settled.size).toBe(handle);
      for (const { acked, missing } of settled.values()) {
        expect(new Set([...acked, ...missing]).size).toBe(acked.length + missing.length);
      }
    }),
  );
});
