import { DataPlaneError } from "@coterie/dataplane";
import type { AppConnection } from "@coterie/dataplane";
import { parseSlimName } from "@coterie/wire/slim";
import { expect, test } from "vitest";
import { Hub } from "../../src/runtime/hub.ts";
import { settle } from "./time.ts";

const name = parseSlimName("a/b/c/00000000-0000-0000-0000-000000000001");

/** A connection whose node answers what the test says, each time. */
function connection() {
  const asked: { resolve(): void; reject(error: unknown): void }[] = [];
  const made = {
    subscribe: () => new Promise<void>((resolve, reject) => void asked.push({ resolve, reject })),
    unsubscribe: async () => {},
    close: async () => {},
  };
  return { asked, made: made as unknown as AppConnection };
}

test("SCN-12: a name is held everywhere, however late a node is there, until it is taken back", async () => {
  const hub = new Hub();
  const member = hub.join({ receive() {}, disconnected() {} });
  await member.hold(name, name, undefined);
  const { asked, made } = connection();
  const id = hub.add("http://node", () => made);
  for (const attempt of [1, 2]) {
    await settle();
    expect(asked).toHaveLength(attempt);
    asked[attempt - 1]?.reject(new DataPlaneError("dataplane/timeout"));
  }
  await settle();
  asked[2]?.resolve();
  await member.ready(id);
  expect(asked).toHaveLength(3);
  await hub.remove(id);
});

test("SCN-12: what a node refuses is not asked for again, nor what is not wanted any more", async () => {
  const hub = new Hub();
  const member = hub.join({ receive() {}, disconnected() {} });
  await member.hold(name, name, undefined);
  const [strict, away] = [connection(), connection()];
  hub.add("http://strict", () => strict.made);
  hub.add("http://away", () => away.made);
  strict.asked[0]?.reject(new DataPlaneError("dataplane/subscription-refused"));
  await settle();
  expect(strict.asked).toHaveLength(1);
  await member.leave();
  away.asked[0]?.reject(new DataPlaneError("dataplane/timeout"));
  await settle();
  expect(away.asked).toHaveLength(1);
});
