import { randomUUID } from "node:crypto";
import { keyOfRoute } from "./books.ts";
import type { NameBook, RouteBook } from "./books.ts";
import { chooseDial, stillReached } from "./links.ts";
import type { DomainPair, LinkRecord, NodeRecord, RouteRecord } from "./model.ts";
import type { Records } from "./records.ts";
import { allowedPairs, hopsOf, pairKey } from "./topology.ts";

export interface PlannerParts {
  readonly records: Records;
  readonly names: NameBook;
  readonly routes: RouteBook;
  /** Whether the node is here: 2, may be back soon: 1, or neither: 0. */
  readonly presence: (node: string) => number;
  readonly nowSeconds: () => number;
}

/** What the records have to say, given nodes, names and segments. Both answer the nodes for which something changed. */
export interface Planner {
  /** One link for each pair of domains that a segment links and that both have a node. */
  links(): Set<string>;
  /** The routes of these names (SCT-05). */
  routes(names: Iterable<string>): Set<string>;
}

export function createPlanner(parts: PlannerParts): Planner {
  const { records, names, routes, presence, nowSeconds } = parts;

  const domainOf = (node: string): string => records.nodes.get(node)?.domain ?? "";
  const linksByPair = (): Map<string, LinkRecord> => {
    const links = new Map<string, LinkRecord>();
    for (const link of standingLinks(records)) {
      links.set(pairKey(domainOf(link.source), domainOf(link.dest)), link);
    }
    return links;
  };

  /** Nodes of each domain: those that are here first, then by name, so that one state has one choice. */
  const nodesByDomain = (): Map<string, NodeRecord[]> => {
    const byDomain = new Map<string, NodeRecord[]>();
    for (const node of records.nodes.values()) {
      if (presence(node.id) === 0) continue;
      const known = byDomain.get(node.domain);
      if (known === undefined) byDomain.set(node.domain, [node]);
      else known.push(node);
    }
    for (const nodes of byDomain.values()) {
      nodes.sort((a, b) => presence(b.id) - presence(a.id) || (a.id < b.id ? -1 : 1));
    }
    return byDomain;
  };

  const fits = (link: LinkRecord | undefined): boolean => {
    const dest = link && records.nodes.get(link.dest);
    if (link === undefined || dest === undefined) return false;
    return presence(link.source) > 0 && presence(link.dest) > 0 && stillReached(link, dest);
  };

  const planName = (
    name: string,
    links: ReadonlyMap<string, LinkRecord>,
    changed: Set<string>,
  ): void => {
    /** The first holder of each domain. */
    const first = new Map<string, string>();
    for (const { node } of names.holders(name)) {
      const domain = domainOf(node);
      if (presence(node) > 0 && !first.has(domain)) first.set(domain, node);
    }
    const usable = (a: string, b: string): boolean => {
      const link = links.get(pairKey(a, b));
      return link !== undefined && link.status !== "failed";
    };
    const wanted = new Map<string, RouteRecord>();
    for (const hop of hopsOf([...first.keys()], records.segments.values(), usable)) {
      const link = links.get(pairKey(hop.from, hop.to));
      if (link === undefined) continue;
      const node = domainOf(link.source) === hop.from ? link.source : link.dest;
      const dest = first.get(hop.towards) ?? "";
      const { linkId } = link;
      const updated = nowSeconds();
      const route = { node, dest, name, linkId, status: "pending", message: "", updated } as const;
      wanted.set(keyOfRoute(route), route);
    }
    for (const route of routes.ofName(name)) {
      if (wanted.has(keyOfRoute(route)) || route.status === "deleted") continue;
      changed.add(route.node);
      // a node that is no more has nothing to take back
      if (records.nodes.get(route.node) === undefined) routes.drop(route);
      else routes.put({ ...route, status: "deleted", message: "", updated: nowSeconds() });
    }
    for (const [key, route] of wanted) {
      const known = routes.get(key);
      if (known !== undefined && known.status !== "deleted") {
        if (known.dest !== route.dest) routes.put({ ...known, dest: route.dest });
        continue;
      }
      routes.put(route);
      changed.add(route.node);
    }
  };

  return {
    links() {
      const changed = new Set<string>();
      const byDomain = nodesByDomain();
      const present = linksByPair();
      const kept = new Set<string>();
      const missing: DomainPair[] = [];
      for (const pair of allowedPairs(records.segments.values())) {
        const link = present.get(pairKey(...pair));
        if (link !== undefined && fits(link)) kept.add(link.linkId);
        else missing.push(pair);
      }
      for (const link of standingLinks(records)) {
        if (kept.has(link.linkId)) continue;
        changed.add(link.source);
        if (records.nodes.get(link.source) === undefined) records.links.delete(link.linkId);
        else {
          records.links.put(link.linkId, { ...link, status: "deleted", updated: nowSeconds() });
        }
      }
      for (const [a, b] of missing) {
        const dial = chooseDial(byDomain.get(a) ?? [], byDomain.get(b) ?? []);
        if (dial === undefined) continue;
        const linkId = randomUUID();
        const status = "pending";
        records.links.put(linkId, { ...dial, linkId, status, message: "", updated: nowSeconds() });
        changed.add(dial.source);
      }
      return changed;
    },

    routes(all) {
      const changed = new Set<string>();
      const links = linksByPair();
      for (const name of all) planName(name, links, changed);
      return changed;
    },
  };
}

export function* standingLinks(records: Records): Generator<LinkRecord> {
  for (const link of records.links.values()) if (link.status !== "deleted") yield link;
}
