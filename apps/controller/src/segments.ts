import { Status, StatusError } from "@coterie/transport";
import { ControllerError } from "./errors.ts";
import type { DomainPair, SegmentRecord } from "./model.ts";
import type { Network } from "./network.ts";
import type { Records } from "./records.ts";
import { pairKey } from "./topology.ts";

/** Which domains are linked: graphs of domains, each of them closed to the others. */
export interface Segments {
  list(): readonly SegmentRecord[];
  /** Adding one that is there changes nothing. */
  add(name: string): Promise<void>;
  /** Throws `controller/not-found`. */
  remove(name: string): Promise<void>;
  /** An empty segment is the default one. Answers warnings; throws `controller/not-found` or `controller/invalid-argument`. */
  link(segment: string, pair: DomainPair): Promise<readonly string[]>;
  unlink(segment: string, pair: DomainPair): Promise<void>;
}

const defaultSegment = "default";

export function createSegments(records: Records, network: Network): Segments {
  const { segments } = records;
  if (segments.get(defaultSegment) === undefined) {
    segments.put(defaultSegment, { name: defaultSegment, edges: [] });
  }
  const find = (name: string): SegmentRecord => {
    const found = segments.get(name || defaultSegment);
    if (found !== undefined) return found;
    throw new ControllerError("controller/not-found", { message: `segment '${name}' not found` });
  };
  const changed = async (): Promise<void> => {
    await records.saved();
    network.topologyChanged();
  };
  return {
    list: () => [...segments.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    async add(name) {
      if (segments.get(name) === undefined) segments.put(name, { name, edges: [] });
      await records.saved();
    },
    async remove(name) {
      find(name);
      if (name === defaultSegment) {
        const words = "the default segment cannot be removed; remove its links instead";
        throw new StatusError(Status.failedPrecondition, words);
      }
      segments.delete(name);
      await changed();
    },
    async link(name, pair) {
      const segment = find(name);
      if (pair[0] === pair[1]) {
        const message = `a domain is not linked with itself: ${pair[0]}`;
        throw new ControllerError("controller/invalid-argument", { message });
      }
      const domains = new Set([...records.nodes.values()].map(({ domain }) => domain));
      const warnings = pair
        .filter((domain) => !domains.has(domain))
        .map((domain) => `domain '${domain}' has no registered nodes`);
      if (!segment.edges.some((edge) => pairKey(...edge) === pairKey(...pair))) {
        segments.put(segment.name, { ...segment, edges: [...segment.edges, pair] });
        await changed();
      }
      return warnings;
    },
    async unlink(name, pair) {
      const segment = find(name);
      const edges = segment.edges.filter((edge) => pairKey(...edge) !== pairKey(...pair));
      if (edges.length === segment.edges.length) {
        const message = `link ${pair[0]}↔${pair[1]} not found in segment '${segment.name}'`;
        throw new ControllerError("controller/not-found", { message });
      }
      segments.put(segment.name, { ...segment, edges });
      await changed();
    },
  };
}
