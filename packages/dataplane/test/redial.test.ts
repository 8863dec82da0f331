import { createMemoryTransport } from "@coterie/transport";
import type { Transport } from "@coterie/transport";
import { expect, test, vi } from "vitest";
import { alice, app, name, nodes, publish } from "./apps.ts";
import type { TestNode } from "./apps.ts";

/** Its calls send as many messages as asked for, and then none any more; cancelling helps nothing but the far side. */
function stuckAfter(messages: number, inner: Transport): Transport {
  return {
    ...inner,
    duplex(path, options) {
      const call = inner.duplex(path, options);
      let left = messages;
      return {
        opened: call.opened,
        [Symbol.asyncIterator]: () => call[Symbol.asyncIterator](),
        cancel: () => call.cancel(),
        end: () => call.end(),
        send: (message) => (left-- > 0 ? call.send(message) : new Promise(() => {})),
      };
    },
  };
}

/** A node that dials another, the first time over a transport that gets stuck behind the negotiation. */
function world() {
  const { node } = nodes();
  const far = node("far");
  let dials = 0;
  const near = node("near", {
    limits: { messages: 2, stalledMs: 20 },
    dial() {
      const inner = createMemoryTransport(far.plane.routes);
      dials += 1;
      return dials === 1 ? stuckAfter(1, inner) : inner;
    },
  });
  return { far, near, dials: () => dials };
}

async function fill(near: TestNode): Promise<void> {
  const a = app(near.transport);
  await a.connection.connected;
  const filled = Array.from({ length: 4 }, (_, n) => name(`a${n}`, "a"));
  for (const one of filled) await a.connection.subscribe(one, one);
}

const link = { endpoint: "far", linkId: "to-far", config: {} };

test(
  "SCN-11: a peer that takes nothing any more is called again",
  { timeout: 15_000 },
  async () => {
    const { far, near, dials } = world();
    await near.plane.connect({ ...link, kind: "peer" });
    await fill(near);
    await vi.waitFor(() => expect(dials()).toBe(2), { timeout: 10_000 });
    await vi.waitFor(() => expect(far.names()).toHaveLength(4));
  },
);

test("SCN-11: a remote node that takes nothing any more is dialled anew at once when asked for", async () => {
  const { far, near, dials } = world();
  await near.plane.connect({ ...link, kind: "remote" });
  near.plane.setRoute(alice, "to-far");
  const a = app(near.transport);
  await a.connection.connected;
  for (let n = 0; n < 4; n += 1) void a.connection.publish(publish(alice, alice, "x"));
  await vi.waitFor(() => expect(near.plane.links().map(({ kind }) => kind)).toEqual(["edge"]));
  const again = await near.plane.connect({ ...link, kind: "remote" });
  expect(dials()).toBe(2);
  expect(near.plane.links()).toContainEqual(again);
  expect(far.plane.links().filter(({ kind }) => kind === "remote")).toHaveLength(1);
});
