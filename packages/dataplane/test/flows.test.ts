import { opensslProvider as crypto } from "@coterie/crypto/openssl";
import {
  headerMacPreimage,
  peekSlimHeader,
  restampSlimHeader,
  SLIMHeader,
} from "@coterie/wire/slim";
import type { PeekedMessage } from "@coterie/wire/slim";
import { expect, test } from "vitest";
import { createFlows, hopOf } from "../src/flows.ts";
import type { Verdict } from "../src/flows.ts";
import { header } from "./world.ts";

const hop = (linkId: string, fill: number) =>
  hopOf({
    linkId,
    kind: "edge",
    key: new Uint8Array(32).fill(fill),
    peer: { nodeId: "", deploymentName: "", version: "" },
  });
const from = hop("from", 1);
const to = hop("to", 2);

function world() {
  const calls = { macs: 0 };
  const counting = {
    ...crypto,
    hmac: (...args: Parameters<typeof crypto.hmac>) => {
      calls.macs += 1;
      return crypto.hmac(...args);
    },
    hash: (...args: Parameters<typeof crypto.hash>) => {
      calls.macs += 1 / 2;
      return crypto.hash(...args);
    },
  };
  const flows = createFlows(counting, from);
  return {
    calls,
    judge: (one: Uint8Array) => flows.judge(one, { header: { start: 0, end: one.length } }),
  };
}

/** What a hop gets of a header that stands for a message here. */
function outgoing(flow: Verdict, one: Uint8Array): Uint8Array {
  if (typeof flow === "string") throw new Error(flow);
  return flow.stamp(one, { header: { start: 0, end: one.length } } as PeekedMessage, to, false);
}

function signed(name: string, identity = "token"): Uint8Array {
  const bytes = SLIMHeader.encode(header("a/b/c", name, { identity }));
  const peeked = peekSlimHeader(bytes);
  const mac = crypto.hmac(
    "sha256",
    from.key as Uint8Array,
    headerMacPreimage(from.linkId, bytes, peeked, peeked),
  );
  return restampSlimHeader(bytes, peeked, { ttl: peeked.ttl, mac });
}

test("SMC-02: the messages of one flow cost one MAC on each link", () => {
  const { calls, judge } = world();
  for (let n = 0; n < 1000; n += 1) {
    const one = Uint8Array.from(signed("a/b/d"));
    const sent = outgoing(judge(one), one);
    const { ttl, mac } = peekSlimHeader(sent);
    const fields = peekSlimHeader(sent);
    const expected = headerMacPreimage("to", sent, fields, { ttl: 7 });
    expect(ttl).toBe(7);
    expect(sent.slice(mac?.start, mac?.end)).toEqual(
      crypto.hmac("sha256", to.key as Uint8Array, expected),
    );
  }
  // the first of its kind leaves a mark, the second is remembered
  expect(calls.macs).toBe(4);
});

test("SMC-04, SMC-06: a header that differs from a known one in any byte is judged for itself", () => {
  const { judge } = world();
  const authentic = signed("a/b/d");
  expect(judge(authentic)).toBeTypeOf("object");
  for (let at = 0; at < authentic.length; at += 1) {
    const forged = Uint8Array.from(authentic);
    forged[at] = (forged[at] as number) ^ 1;
    let verdict: unknown;
    try {
      verdict = judge(forged);
    } catch (error) {
      verdict = (error as { code: string }).code;
    }
    // the version is outside the MAC (SMC-04); a number of another field is a field that nobody knows
    if (typeof verdict === "object")
      expect(new TextDecoder().decode(forged)).not.toContain("2.0.0");
    else expect(["mac", "malformed", "wire/malformed"]).toContain(verdict);
  }
  expect(judge(authentic)).toBeTypeOf("object");
});

test("so many headers are remembered and no more, and what is forged is not", () => {
  const { calls, judge } = world();
  const cost = (one: Uint8Array): number => {
    const before = calls.macs;
    judge(one);
    return calls.macs - before;
  };
  const first = signed("a/b/d", "the first");
  expect([cost(first), cost(first), cost(first)]).toEqual([1, 1, 0]);
  for (let n = 0; n < 300; n += 1) {
    const other = signed("a/b/d", `token ${n}`);
    for (let times = 0; times < 2; times += 1) judge(other);
  }
  expect(cost(first)).toBe(1);
  const forged = Uint8Array.from(first);
  forged[forged.length - 1] = (forged.at(-1) as number) ^ 1;
  for (let n = 0; n < 3; n += 1) {
    expect(judge(forged)).toBe("mac");
    expect(cost(forged)).toBe(1);
  }
});

test("SRT-08: one header a message, as released apps write them, costs two MACs and nothing that stays", () => {
  const { calls, judge } = world();
  for (let n = 0; n < 1000; n += 1) {
    const one = signed("a/b/d", `token ${n}`);
    outgoing(judge(one), one);
  }
  expect(calls.macs).toBe(2000);
});

test("SND-05: headers that are long are read each time and kept by nobody", () => {
  const { calls, judge } = world();
  const one = signed("a/b/d", "t".repeat(8192));
  for (let n = 0; n < 5; n += 1) expect(judge(one)).toMatchObject({ ttl: 7 });
  const forged = Uint8Array.from(one);
  forged[forged.length - 1] = (forged.at(-1) as number) ^ 1;
  expect(judge(forged)).toBe("mac");
  expect(calls.macs).toBe(6);
});

test("SRT-07: who keeps the header's bytes may do with them as he likes", () => {
  const { judge } = world();
  const bytes = signed("a/b/d");
  judge(bytes);
  const flow = judge(bytes);
  const kept = Uint8Array.from(bytes);
  bytes.fill(0);
  judge(signed("a/b/other"));
  const sent = outgoing(flow, kept);
  const { identity } = peekSlimHeader(sent);
  expect(new TextDecoder().decode(sent.subarray(identity.start, identity.end))).toBe("token");
});
