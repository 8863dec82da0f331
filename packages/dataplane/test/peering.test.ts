import { expect, test, vi } from "vitest";
import type { Log } from "@coterie/base";
import type { DataPlaneLimits } from "../src/data-plane.ts";
import { alice, app, bob, name, nodes, publish } from "./apps.ts";
import type { TestNode } from "./apps.ts";

const config = {};
const peer = (endpoint: string) =>
  ({ endpoint, linkId: `to-${endpoint}`, kind: "peer", config }) as const;
const settled = (check: () => void | Promise<void>) =>
  vi.waitFor(check, { timeout: 20_000, interval: 5 });
const many = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, n) => name(`${prefix}${n}`, "a"));

/** An app in the node's process that holds the names. What is published to them is counted by name. */
async function held(at: TestNode, names: ReturnType<typeof many>) {
  const got = new Set<unknown>();
  const local = at.plane.connectLocal({
    onPublish: ({ header }) => void got.add(header?.destination?.name?.component2),
  });
  for (const one of names) await local.subscribe(one, one);
  return got;
}

/** Replicas that hold names before they meet. */
async function replicas(count: number, limits: Partial<DataPlaneLimits>, logger?: Log) {
  const { node } = nodes();
  const [one, two] = [node("n1", { limits, logger }), node("n2", { limits, logger })];
  const [left, right] = [many("left", count), many("right", count)];
  const atOne = await held(one, left);
  const atTwo = await held(two, right);
  await one.plane.connect(peer("n2"));
  return { one, two, left, right, atOne, atTwo };
}

test("SND-05, SRT-12: a replica brings the names of all its apps, however few one app may have", async () => {
  const { one, two, left, right, atOne, atTwo } = await replicas(50, { subscriptions: 5 });
  await settled(() => expect([one, two].map((at) => at.names().length)).toEqual([100, 100]));
  const [a, b] = [app(one.transport), app(two.transport)];
  for (const to of right) await a.connection.publish(publish(alice, to, "x"));
  for (const to of left) await b.connection.publish(publish(bob, to, "x"));
  await settled(() => expect([atOne.size, atTwo.size]).toEqual([50, 50]));
});

test("SRT-12: replicas that tell each other more than fits at once do not wait for each other", async () => {
  const { one, two } = await replicas(1000, { messages: 16 });
  await settled(() => expect([one, two].map((at) => at.names().length)).toEqual([2000, 2000]));
});

test("SND-05: a name that a replica refuses is logged, once as a warning, and costs no link", async () => {
  const lines: string[] = [];
  const log: Log = { write: (level, event) => void lines.push(`${level} ${event}`) };
  const { one, two } = await replicas(1200, { peerSubscriptions: 5 }, log);
  const refusals = () => lines.filter((line) => line.endsWith(" slim.peer-refused"));
  await settled(() => expect(refusals()).toHaveLength(2 * 1195));
  expect(refusals().filter((line) => line.startsWith("warn"))).toHaveLength(2);
  expect([one, two].map((at) => at.names().length)).toEqual([1205, 1205]);
  expect(lines).not.toContain("warn slim.link-lost");
  expect(one.plane.links().filter(({ kind }) => kind === "peer")).toHaveLength(1);
});

test("SRT-12: a name that was refused is told with the next change of its holders", async () => {
  const { node } = nodes();
  const limits = { peerSubscriptions: 1 };
  const [one, two] = [node("n1", { limits }), node("n2", { limits })];
  await one.plane.connect(peer("n2"));
  const [a, b] = [app(one.transport), app(one.transport)];
  await a.connection.subscribe(alice, alice);
  await a.connection.subscribe(bob, bob);
  await settled(() => expect(two.names()).toEqual(["alice"]));
  await a.connection.unsubscribe(alice, alice);
  await settled(() => expect(two.names()).toEqual([]));
  await b.connection.subscribe(bob, bob);
  await settled(() => expect(two.names()).toEqual(["bob"]));
});

test.each([false, true])(
  "SRT-12, SRT-13: apps in the processes of replicas all count from 1, and are told apart (relay: %s)",
  async (relay) => {
    const { node } = nodes();
    const all = ["n1", "n2", "n3"].map((id) => node(id, { relay }));
    const got: string[] = [];
    for (const [n, { plane }] of all.entries()) {
      for (const which of ["first", "second"]) {
        const service = `${which}${n}`;
        const local = plane.connectLocal({ onPublish: () => void got.push(service) });
        await local.subscribe(name(service, "a"), alice);
      }
    }
    const [one, two, three] = all as [TestNode, TestNode, TestNode];
    await one.plane.connect(peer("n2"));
    await two.plane.connect(peer("n3"));
    if (!relay) await three.plane.connect(peer("n1"));
    const services = [0, 1, 2].flatMap((n) => [`first${n}`, `second${n}`]).toSorted();
    await settled(() =>
      expect(all.map((at) => at.names())).toEqual([services, services, services]),
    );
    const a = app(one.transport);
    for (const service of services) {
      await a.connection.publish(publish(alice, name(service, "a"), "x"));
    }
    await settled(() => expect(got.toSorted()).toEqual(services));
  },
);
