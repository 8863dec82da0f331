import { formatSlimName } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import type { ControlledPlane, PlaneDial, PlaneEvent, PlaneLink } from "../src/control/port.ts";

/** A plane that does what it is told and remembers it. */
export function fakePlane() {
  const links = new Map<string, PlaneLink>();
  const routes = new Map<string, { name: SlimName; linkIds: Set<string> }>();
  const listeners = new Set<(event: PlaneEvent) => void>();
  const dials: PlaneDial[] = [];
  let refuse: string | undefined;
  const tell = (event: PlaneEvent): void => {
    for (const listener of listeners) listener(event);
  };
  const edge: PlaneLink = { id: 1n, linkId: "edge", kind: "edge", direction: "incoming" };
  links.set("edge", edge);
  const put = (name: SlimName, linkId: string): void => {
    const key = formatSlimName(name);
    const entry = routes.get(key) ?? { name, linkIds: new Set() };
    routes.set(key, entry);
    entry.linkIds.add(linkId);
  };
  const plane: ControlledPlane = {
    async connect(dial) {
      dials.push(dial);
      if (refuse !== undefined) throw new Error(refuse);
      const link: PlaneLink = {
        id: BigInt(links.size + 1),
        linkId: dial.linkId,
        kind: dial.kind,
        direction: "outgoing",
        endpoint: dial.endpoint,
      };
      links.set(dial.linkId, link);
      tell({ kind: "link-up", link });
      return link;
    },
    disconnect(linkId) {
      const link = links.get(linkId);
      if (link === undefined) return false;
      links.delete(linkId);
      for (const { linkIds } of routes.values()) linkIds.delete(linkId);
      tell({ kind: "link-down", link });
      return true;
    },
    links: () => [...links.values()],
    *names() {
      for (const { name, linkIds } of routes.values()) {
        const held = [...linkIds].flatMap((id) => links.get(id) ?? []);
        if (held.length > 0) yield { name, links: held };
      }
    },
    setRoute(name, linkId) {
      if (!links.has(linkId)) return false;
      put(name, linkId);
      return true;
    },
    removeRoute: (name, linkId) =>
      routes.get(formatSlimName(name))?.linkIds.delete(linkId) ?? false,
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return {
    plane,
    dials,
    refuseDials: (words: string | undefined) => (refuse = words),
    subscribe(name: SlimName) {
      put(name, "edge");
      tell({ kind: "name-added", name });
    },
    unsubscribe(name: SlimName) {
      routes.get(formatSlimName(name))?.linkIds.delete("edge");
      tell({ kind: "name-removed", name });
    },
    inbound(linkId: string) {
      const link: PlaneLink = { id: 9n, linkId, kind: "remote", direction: "incoming" };
      links.set(linkId, link);
      tell({ kind: "link-up", link });
    },
    /** `name via link`, sorted. */
    routes: () =>
      [...routes.values()]
        .flatMap(({ name, linkIds }) =>
          [...linkIds].map((id) => `${name.service} via ${links.has(id) ? id : `${id}?`}`),
        )
        .toSorted(),
  };
}
