import fc from "fast-check";
import { expect, test } from "vitest";
import { allowedPairs, hopsOf } from "../src/topology.ts";
import type { DomainPair, SegmentRecord } from "../src/model.ts";

const segment = (name: string, ...edges: DomainPair[]): SegmentRecord => ({ name, edges });
const always = () => true;
const told = (announcers: string[], ...segments: SegmentRecord[]): string[] =>
  hopsOf(announcers, segments, always)
    .map(({ from, to }) => `${from}>${to}`)
    .toSorted();

test("SCT-05: each domain sends a name one step along the shortest path to who holds it", () => {
  const chain = segment("s", ["a", "b"], ["b", "c"], ["c", "d"]);
  expect(told(["c"], chain)).toEqual(["a>b", "b>c", "d>c"]);
  const ring = segment("r", ["a", "b"], ["b", "c"], ["c", "d"], ["d", "a"]);
  expect(told(["a"], ring)).toEqual(["b>a", "c>b", "d>a"]);
});

test("SCT-05: a name of several domains keeps to one tree, so that no message runs in a circle", () => {
  const mesh = segment("m", ["a", "b"], ["b", "c"], ["c", "a"]);
  expect(told(["a", "b", "c"], mesh)).toEqual(["a>b", "a>c", "b>a", "c>a"]);
  // the way back from who holds it is a route only where somebody else does too
  expect(told(["a"], mesh)).toEqual(["b>a", "c>a"]);
});

test("SCT-05: domains that share no segment do not reach each other", () => {
  expect(told(["a"], segment("s", ["a", "hub"]), segment("t", ["hub", "z"]))).toEqual(["hub>a"]);
  expect(told(["z"], segment("s", ["a", "hub"]), segment("t", ["hub", "z"]))).toEqual(["hub>z"]);
});

test("SCT-05: a link that does not stand is gone around", () => {
  const ring = segment("r", ["a", "b"], ["b", "c"], ["c", "a"]);
  const hops = hopsOf(["a"], [ring], (x, y) => [x, y].toSorted().join("") !== "ac");
  expect(hops.map(({ from, to }) => `${from}>${to}`).toSorted()).toEqual(["b>a", "c>b"]);
});

test("SCT-05: pairs of several segments are linked once", () => {
  expect(allowedPairs([segment("s", ["b", "a"]), segment("t", ["a", "b"], ["a", "c"])])).toEqual([
    ["a", "b"],
    ["a", "c"],
  ]);
});

test("SCT-05: in any graph a message reaches every domain that holds its name, once", () => {
  const domain = fc.constantFrom("a", "b", "c", "d", "e", "f");
  const edges = fc.array(fc.tuple(domain, domain), { maxLength: 14 });
  fc.assert(
    fc.property(
      fc.array(edges, { maxLength: 3 }),
      fc.uniqueArray(domain),
      domain,
      (all, held, from) => {
        const segments = all.map((list, index) =>
          segment(`s${index}`, ...list.filter(([a, b]) => a !== b)),
        );
        const hops = hopsOf(held, segments, always);
        const arrived: string[] = [];
        // a message goes to all holders except where it came from, as a data plane does it
        const walk = (at: string, before: string | undefined, depth: number): void => {
          expect(depth).toBeLessThan(8);
          arrived.push(at);
          for (const hop of hops) {
            if (hop.from === at && hop.to !== before) walk(hop.to, at, depth + 1);
          }
        };
        walk(from, undefined, 0);
        expect(new Set(arrived).size).toBe(arrived.length);
        const near = new Set(
          segments
            .filter(({ edges: list }) => list.flat().includes(from))
            .flatMap((s) => component(s, from)),
        );
        for (const holder of held) if (near.has(holder)) expect(arrived).toContain(holder);
      },
    ),
    { seed: 5, numRuns: 400 },
  );
});

function component({ edges }: SegmentRecord, from: string): string[] {
  const found = new Set([from]);
  for (let grew = true; grew;) {
    grew = false;
    for (const [a, b] of edges) {
      if (found.has(a) === found.has(b)) continue;
      found.add(a).add(b);
      grew = true;
    }
  }
  return [...found];
}
