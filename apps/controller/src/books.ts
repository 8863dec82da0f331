import type { NameRecord, RouteRecord } from "./model.ts";
import type { Records } from "./records.ts";

/** Names that apps hold, found by name, by service and by node. */
export interface NameBook {
  /** Answers whether it is news. */
  add(node: string, name: string): boolean;
  remove(node: string, name: string): boolean;
  names(): Iterable<string>;
  /** Who holds a name, the first one first. */
  holders(name: string): readonly NameRecord[];
  /** Full names of `org/ns/service`. */
  instances(service: string): readonly string[];
  /** Full names whose service ends so, of the suffix that the book was opened with. */
  suffixed(): Iterable<string>;
  of(node: string): readonly string[];
  countOf(node: string): number;
}

export function openNameBook({ names: table }: Records, suffix?: string): NameBook {
  const byName = new Map<string, Map<string, NameRecord>>();
  const byService = new Map<string, Set<string>>();
  const byNode = new Map<string, Set<string>>();
  const suffixed = new Set<string>();
  const hasSuffix = (name: string): boolean =>
    suffix !== undefined && serviceOf(name).endsWith(suffix);
  let order = 0;

  const index = (record: NameRecord): void => {
    order = Math.max(order, record.order + 1);
    entry(byName, record.name, () => new Map<string, NameRecord>()).set(record.node, record);
    entry(byService, serviceOf(record.name), () => new Set<string>()).add(record.name);
    entry(byNode, record.node, () => new Set<string>()).add(record.name);
    if (hasSuffix(record.name)) suffixed.add(record.name);
  };
  for (const record of table.values()) index(record);

  return {
    add(node, name) {
      if (byName.get(name)?.has(node) === true) return false;
      const record = { node, name, order };
      table.put(`${node}\n${name}`, record);
      index(record);
      return true;
    },
    remove(node, name) {
      const holders = byName.get(name);
      if (holders?.delete(node) !== true) return false;
      table.delete(`${node}\n${name}`);
      byNode.get(node)?.delete(name);
      if (holders.size > 0) return true;
      byName.delete(name);
      suffixed.delete(name);
      const service = byService.get(serviceOf(name));
      service?.delete(name);
      if (service?.size === 0) byService.delete(serviceOf(name));
      return true;
    },
    names: () => byName.keys(),
    holders: (name) => [...(byName.get(name)?.values() ?? [])].toSorted(byOrder),
    instances: (service) => [...(byService.get(service) ?? [])],
    suffixed: () => suffixed,
    of: (node) => [...(byNode.get(node) ?? [])],
    countOf: (node) => byNode.get(node)?.size ?? 0,
  };
}

/** Routes, found by name and by node. */
export interface RouteBook {
  get(key: string): RouteRecord | undefined;
  put(route: RouteRecord): void;
  drop(route: RouteRecord): void;
  names(): Iterable<string>;
  ofName(name: string): readonly RouteRecord[];
  ofNode(node: string): readonly RouteRecord[];
  /** Those of them that the node has not been told of, or could not follow. */
  unsettled(node: string): readonly RouteRecord[];
}

export function openRouteBook({ routes: table }: Records): RouteBook {
  const byName = new Map<string, Map<string, RouteRecord>>();
  const byNode = new Map<string, Map<string, RouteRecord>>();
  const open = new Map<string, Map<string, RouteRecord>>();
  const index = (route: RouteRecord): void => {
    const key = keyOfRoute(route);
    if (route.status === "applied") open.get(route.node)?.delete(key);
    else entry(open, route.node, () => new Map<string, RouteRecord>()).set(key, route);
    for (const [map, of] of [
      [byName, route.name],
      [byNode, route.node],
    ] as const) {
      entry(map, of, () => new Map<string, RouteRecord>()).set(key, route);
    }
  };
  for (const route of table.values()) index(route);

  return {
    get: (key) => table.get(key),
    put(route) {
      table.put(keyOfRoute(route), route);
      index(route);
    },
    drop(route) {
      const key = keyOfRoute(route);
      table.delete(key);
      byNode.get(route.node)?.delete(key);
      open.get(route.node)?.delete(key);
      const ofName = byName.get(route.name);
      ofName?.delete(key);
      if (ofName?.size === 0) byName.delete(route.name);
    },
    names: () => byName.keys(),
    ofName: (name) => [...(byName.get(name)?.values() ?? [])],
    ofNode: (node) => [...(byNode.get(node)?.values() ?? [])],
    unsettled: (node) => [...(open.get(node)?.values() ?? [])],
  };
}

/** Also the id that operators see. */
export const keyOfRoute = ({
  node,
  name,
  linkId,
}: Pick<RouteRecord, "node" | "name" | "linkId">): string => `${node}|${name}|${linkId}`;

/** `org/ns/service` of a full name. */
const serviceOf = (name: string): string => name.slice(0, name.lastIndexOf("/"));

const byOrder = (a: NameRecord, b: NameRecord): number => a.order - b.order;

function entry<V>(map: Map<string, V>, key: string, create: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = create();
  map.set(key, made);
  return made;
}
