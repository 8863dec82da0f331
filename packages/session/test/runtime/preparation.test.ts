import { encodeSlimName, parseSlimName } from "@coterie/wire/slim";
import type { Publish } from "@coterie/wire/slim";
import { expect, test } from "vitest";
import { createPreparation } from "../../src/runtime/preparation.ts";
import { createTime, settle } from "./time.ts";

const from = (service: string, identity: string): Publish => ({
  header: {
    source: encodeSlimName(parseSlimName(`a/b/${service}`)),
    destination: undefined,
    identity,
    fanout: 1,
    version: "",
    ttl: 8,
  },
  session: undefined,
  msg: undefined,
});

function world(options: { sources?: number; messages?: number } = {}) {
  const time = createTime();
  const ready = new Map<string, () => void>();
  const asked: string[] = [];
  const known = new Set<string>();
  const heard: string[] = [];
  let dropped = 0;
  const preparation = createPreparation({
    prepare(token) {
      asked.push(token);
      if (known.has(token)) return undefined;
      return new Promise((resolve) =>
        ready.set(token, () => {
          known.add(token);
          resolve();
        }),
      );
    },
    scheduler: time.scheduler,
    dropped: () => (dropped += 1),
    ...options,
  });
  const take = (service: string, token: string, words: string): void => {
    const handOn = (): void => void heard.push(words);
    if (preparation.admit(from(service, token), handOn)) handOn();
  };
  return { time, ready, asked, known, heard, take, dropped: () => dropped };
}

test("SID-06: a message waits until its token can be verified, and those of its source behind it", async () => {
  const { ready, known, heard, take } = world();
  known.add("old");
  take("ada", "new", "1");
  take("ada", "old", "2");
  take("bob", "old", "3");
  expect(heard).toEqual(["3"]);
  ready.get("new")?.();
  await settle();
  expect(heard).toEqual(["3", "1", "2"]);
  take("ada", "new", "4");
  expect(heard.at(-1)).toBe("4");
});

test("SSN-15: what waits is bounded, by source and in all, and in time", async () => {
  const { time, heard, take, dropped } = world({ sources: 2, messages: 2 });
  for (const service of ["ada", "bob", "cid"]) take(service, "t", service);
  take("ada", "t", "ada again");
  take("ada", "t", "one too many");
  expect(dropped()).toBe(2);
  await time.pass(10_000);
  expect(heard.slice(0, 2)).toEqual(["ada", "bob"]);
});
