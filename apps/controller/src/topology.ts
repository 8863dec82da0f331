import type { DomainPair, SegmentRecord } from "./model.ts";

/** One step of a route: the domain `from` sends the name's messages to the domain `to`, on the way to `towards`. */
export interface Hop {
  readonly from: string;
  readonly to: string;
  readonly towards: string;
}

export const pairKey = (a: string, b: string): string => (a < b ? `${a}\n${b}` : `${b}\n${a}`);

/** Pairs of domains that some segment links, each once. */
export function allowedPairs(segments: Iterable<SegmentRecord>): DomainPair[] {
  const pairs = new Map<string, DomainPair>();
  for (const { edges } of segments) {
    for (const [a, b] of edges) pairs.set(pairKey(a, b), a < b ? [a, b] : [b, a]);
  }
  return [...pairs.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, pair]) => pair);
}

/**
 * Where each domain sends what goes to one name (SCT-05). `announcers` are the domains that hold it, the first one first. In every segment a
 * tree of shortest paths grows from the first announcer (where a segment is in parts, one in each of them); all of a name's messages keep to
 * those trees, so that one sent to many arrives once and never runs in a circle. Domains that share no segment do not reach each other, whatever lies between them.
 */
export function hopsOf(
  announcers: readonly string[],
  segments: Iterable<SegmentRecord>,
  usable: (a: string, b: string) => boolean,
): Hop[] {
  const graphs = [...segments]
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ edges }) => neighbours(edges.filter(([a, b]) => usable(a, b))));
  const forest = new Map<string, Set<string>>();
  const group = new Map<string, string>();
  const find = (domain: string): string => {
    const above = group.get(domain);
    return above === undefined ? domain : find(above);
  };
  for (const graph of graphs) {
    for (const root of announcers) {
      for (const [child, parent] of breadthFirst(root, graph)) {
        const [a, b] = [find(parent), find(child)];
        // reached by another tree already: a second way would close a circle
        if (a === b) continue;
        group.set(a, b);
        join(forest, parent, child);
      }
    }
  }
  const hops = new Map<string, Hop>();
  for (const towards of announcers) {
    const parents = breadthFirst(towards, forest);
    for (const graph of graphs) {
      if (!graph.has(towards)) continue;
      for (const domain of graph.keys()) {
        let from = domain;
        for (let to = parents.get(from); to !== undefined; to = parents.get(from)) {
          const key = `${from}\n${to}`;
          if (!hops.has(key)) hops.set(key, { from, to, towards });
          from = to;
        }
      }
    }
  }
  return [...hops.values()];
}

/** The domain before each that can be reached, on a shortest way; nearest first, equals by their names. */
function breadthFirst(
  root: string,
  graph: ReadonlyMap<string, ReadonlySet<string>>,
): Map<string, string> {
  const parents = new Map<string, string>();
  const queue = [root];
  for (const parent of queue) {
    for (const child of [...(graph.get(parent) ?? [])].toSorted()) {
      if (child === root || parents.has(child)) continue;
      parents.set(child, parent);
      queue.push(child);
    }
  }
  return parents;
}

function neighbours(edges: readonly DomainPair[]): Map<string, Set<string>> {
  const graph = new Map<string, Set<string>>();
  for (const [a, b] of edges) join(graph, a, b);
  return graph;
}

function join(graph: Map<string, Set<string>>, a: string, b: string): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const known = graph.get(from);
    if (known === undefined) graph.set(from, new Set([to]));
    else known.add(to);
  }
}
