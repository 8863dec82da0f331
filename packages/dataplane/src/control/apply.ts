import { decodeSlimName, encodeSlimName, formatSlimName } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import type {
  ConfigurationCommand,
  ConfigurationCommandAck,
  Connection,
  ConnectionAck,
  Route,
  RouteAck,
} from "@coterie/wire/slim/controller";
import type { ControlledPlane } from "./port.ts";

/** What a controller put here: its links and its routes. */
export interface Applier {
  /** Does what a command says, item by item; what fails is told in the item's status (SCT-04). */
  apply(messageId: string, command: ConfigurationCommand): Promise<ConfigurationCommandAck>;
  /** Routes that stand, for a registration. */
  installed(): readonly Route[];
  close(): void;
}

interface Installed {
  readonly name: SlimName;
  readonly linkId: string;
}

export function createApplier(plane: ControlledPlane): Applier {
  const routes = new Map<string, Installed>();

  const connect = async (wanted: Connection): Promise<ConnectionAck> => {
    const config = parseConfig(wanted.configData);
    if (config === undefined) {
      return status(wanted.linkId, "Failed to parse config: it has to be JSON with an endpoint");
    }
    const linkId = wanted.linkId === "" ? config.linkId : wanted.linkId;
    if (linkId === "") return status(linkId, "link_id cannot be empty");
    try {
      // SCT-04: a link that stands is not dialled again
      if (!plane.links().some((link) => link.linkId === linkId)) {
        await plane.connect({
          endpoint: config.endpoint,
          linkId,
          kind: "remote",
          config: config.all,
        });
      }
      return status(linkId, "");
    } catch (error) {
      return status(linkId, `Connection failed: ${words(error)}`);
    }
  };

  const disconnect = (linkId: string): ConnectionAck => {
    for (const [key, route] of routes) if (route.linkId === linkId) routes.delete(key);
    return status(
      linkId,
      plane.disconnect(linkId) ? "" : `Connection with link_id ${linkId} not found`,
    );
  };

  /** SCT-05: a name leads to the connection of a link id. */
  const set = (route: Route, keep?: Set<string>): RouteAck => {
    const wanted = readRoute(route);
    if (typeof wanted === "string") return routeStatus(route, wanted);
    const key = keyOf(wanted);
    keep?.add(key);
    if (!plane.setRoute(wanted.name, wanted.linkId)) {
      routes.delete(key);
      return routeStatus(route, `Connection with link_id ${wanted.linkId} not found`);
    }
    routes.set(key, wanted);
    return routeStatus(route, "");
  };

  const remove = (route: Route): RouteAck => {
    const wanted = readRoute(route);
    if (typeof wanted === "string") return routeStatus(route, wanted);
    routes.delete(keyOf(wanted));
    // gone is what was asked for, whoever was first
    plane.removeRoute(wanted.name, wanted.linkId);
    return routeStatus(route, "");
  };

  const reconcile = async (
    command: ConfigurationCommand,
  ): Promise<[ConnectionAck[], RouteAck[]]> => {
    const links: ConnectionAck[] = [];
    const wanted = new Set(
      command.connectionsToCreate.map(
        ({ linkId, configData }) => linkId || (parseConfig(configData)?.linkId ?? ""),
      ),
    );
    for (const { kind, direction, linkId } of plane.links()) {
      if (kind !== "remote" || direction !== "outgoing" || linkId === undefined) continue;
      if (!wanted.has(linkId)) links.push(disconnect(linkId));
    }
    links.push(...(await Promise.all(command.connectionsToCreate.map(connect))));
    const keep = new Set<string>();
    const statuses = command.routesToSet.map((route) => set(route, keep));
    for (const [key, route] of routes) {
      if (keep.has(key)) continue;
      routes.delete(key);
      plane.removeRoute(route.name, route.linkId);
      statuses.push(routeStatus(toRoute(route), ""));
    }
    return [links, statuses];
  };

  const unwatch = plane.watch((event) => {
    if (event.kind !== "link-down") return;
    for (const [key, route] of routes) if (route.linkId === event.link.linkId) routes.delete(key);
  });

  return {
    async apply(originalMessageId, command) {
      if (command.reconcile) {
        const [connectionsStatus, routesStatus] = await reconcile(command);
        return { originalMessageId, connectionsStatus, routesStatus };
      }
      const connectionsStatus = command.connectionsToDelete.map(disconnect);
      connectionsStatus.push(...(await Promise.all(command.connectionsToCreate.map(connect))));
      const routesStatus = command.routesToSet.map((route) => set(route));
      routesStatus.push(...command.routesToDelete.map(remove));
      return { originalMessageId, connectionsStatus, routesStatus };
    },
    installed: () => [...routes.values()].map(toRoute),
    close: unwatch,
  };
}

const toRoute = ({ name, linkId }: Installed): Route => ({ name: encodeSlimName(name), linkId });
const keyOf = ({ name, linkId }: Installed): string => `${linkId}\n${formatSlimName(name)}`;

/** The route, or why it is none. */
function readRoute(route: Route): Installed | string {
  const linkId = route.linkId?.trim() ?? "";
  if (linkId === "") return "Connection with link_id <none> not found";
  try {
    return { name: decodeSlimName(route.name), linkId };
  } catch (error) {
    return `Failed to subscribe: ${words(error)}`;
  }
}

interface DialConfig {
  readonly endpoint: string;
  readonly linkId: string;
  readonly all: Readonly<Record<string, unknown>>;
}

function parseConfig(text: string): DialConfig | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const all = value as Readonly<Record<string, unknown>>;
  const { endpoint, link_id: linkId } = all;
  if (typeof endpoint !== "string" || endpoint === "") return undefined;
  return { endpoint, linkId: typeof linkId === "string" ? linkId : "", all };
}

const status = (linkId: string, errorMsg: string): ConnectionAck => ({
  linkId,
  success: errorMsg === "",
  errorMsg,
});
const routeStatus = (route: Route, errorMsg: string): RouteAck => ({
  route,
  success: errorMsg === "",
  errorMsg,
});
const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));
