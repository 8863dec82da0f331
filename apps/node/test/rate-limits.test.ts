import { createMemoryTransport } from "@coterie/transport";
import { paths } from "@coterie/wire";
import { expect, test } from "vitest";
import { createNode, openMemoryLog } from "../src/index.ts";
import { createRateLimiter } from "../src/rate-limits.ts";
import { sendRequest } from "./world.ts";

const limits = {
  calls: { tokens: 5, perMinute: 60 },
  publishes: { tokens: 2, perMinute: 30 },
  addresses: 2,
};
const query = paths.mls.queryGroupMessages;
const publish = paths.mls.sendGroupMessages;

function limiter() {
  const clock = { ms: 1_000_000, nowNs: () => BigInt(clock.ms) * 1_000_000n };
  return { clock, take: createRateLimiter(limits, clock) };
}
const code = (work: () => unknown): unknown => {
  try {
    work();
    return "taken";
  } catch (error) {
    return (error as { code: unknown }).code;
  }
};

test("XND-42: an address has its tokens, and gains more with time", () => {
  const { clock, take } = limiter();
  for (let n = 0; n < 5; n++) take.take("a", query);
  expect(code(() => take.take("a", query))).toBe("node/rate-limited");
  expect(code(() => take.take("b", query))).toBe("taken");
  clock.ms += 999;
  expect(code(() => take.take("a", query))).toBe("node/rate-limited");
  clock.ms += 1;
  expect(code(() => take.take("a", query))).toBe("taken");
});

test("XND-42: publishing has a bucket of its own; a refused call takes from neither", () => {
  const { take } = limiter();
  take.take("a", publish);
  take.take("a", publish);
  for (let n = 0; n < 10; n++)
    expect(code(() => take.take("a", publish))).toBe("node/rate-limited");
  for (let n = 0; n < 3; n++) take.take("a", query);
  expect(code(() => take.take("a", query))).toBe("node/rate-limited");
});

test("XND-42: a clock that goes back neither gives nor takes", () => {
  const { clock, take } = limiter();
  for (let n = 0; n < 4; n++) take.take("a", query);
  clock.ms -= 500_000;
  expect(code(() => take.take("a", query))).toBe("taken");
  expect(code(() => take.take("a", query))).toBe("node/rate-limited");
});

test("XND-42: so many addresses are remembered and no more", () => {
  const { take } = limiter();
  for (let n = 0; n < 100; n++) take.take(`10.0.0.${n}`, query);
  expect(take.addresses).toBe(2);
});

test("XND-42: a caller hears RESOURCE_EXHAUSTED, and the node goes on with others", async () => {
  const node = createNode({ log: openMemoryLog(), rateLimits: limits });
  const a = createMemoryTransport(node.routes, { peer: "10.0.0.1" });
  const b = createMemoryTransport(node.routes, { peer: "10.0.0.2" });
  const request = (content: number) => sendRequest({ group: 1, content });
  await a.unary(publish, request(1));
  await a.unary(publish, request(2));
  await expect(a.unary(publish, request(3))).rejects.toMatchObject({
    code: "transport/resource-exhausted",
    details: { status: 8 },
  });
  await b.unary(publish, request(4));
  node.close();
});

test("XND-02: whatever a client says of its version, it is served, and nobody is asked who they are", async () => {
  const node = createNode({ log: openMemoryLog() });
  for (const metadata of [{}, { "x-libxmtp-version": "0.0.1-x", "x-app-version": "?" }]) {
    const client = createMemoryTransport(node.routes);
    await client.unary(publish, sendRequest({ group: 1, content: 1 }), { metadata });
  }
  node.close();
});
