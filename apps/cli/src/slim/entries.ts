import { decodeSlimName, formatSlimName } from "@coterie/wire/slim";
import type { Name } from "@coterie/wire/slim";
import { ConnectionDirection, ConnectionType } from "@coterie/wire/slim/controller";
import type { ConnectionEntry, RouteEntry } from "@coterie/wire/slim/controller";
import { counted, table } from "./table.ts";

/** Names of the numbers of an enumeration; `Unknown` where a newer server has more of them. */
export function wordOf(words: Readonly<Record<number, string>>, value: number): string {
  return words[value] ?? "Unknown";
}

const types: Readonly<Record<number, string>> = {
  [ConnectionType.local]: "Local",
  [ConnectionType.remote]: "Remote",
  [ConnectionType.peer]: "Peer",
  [ConnectionType.edge]: "Edge",
};
const directions: Readonly<Record<number, string>> = {
  [ConnectionDirection.outgoing]: "Outgoing",
  [ConnectionDirection.incoming]: "Incoming",
};

/** `org/ns/app/<uuid>`; a dash where a server sends none, or one that is not what it claims to be. */
export function nameText(name: Name | undefined): string {
  if (name === undefined) return "-";
  try {
    return formatSlimName(decodeSlimName(name));
  } catch {
    return "-";
  }
}

interface ConnectionJson {
  readonly id: string;
  readonly type: string;
  readonly direction: string;
  readonly endpoint: string;
  readonly linkId: string | undefined;
}

/** Connections of a node, for both who asks it and who asks its controller. */
export function connectionsJson(entries: readonly ConnectionEntry[]): ConnectionJson[] {
  return entries.map((entry) => ({
    id: String(entry.id),
    type: wordOf(types, entry.connectionType),
    direction: wordOf(directions, entry.direction),
    endpoint: endpointOf(entry),
    linkId: entry.linkId,
  }));
}

export function connectionsTable(connections: readonly ConnectionJson[]): string[] {
  const rows = connections.map(({ id, type, direction, endpoint, linkId }) => [
    id,
    type,
    direction,
    endpoint,
    linkId ?? "-",
  ]);
  return [
    ...counted(connections, "connection(s)"),
    ...table(["CONN_ID", "TYPE", "DIRECTION", "ENDPOINT", "LINK_ID"], rows),
  ];
}

interface RouteJson {
  readonly route: string;
  readonly connections: readonly ConnectionJson[];
}

/** Routes of a node, each with the connections that lead there. */
export function routesJson(entries: readonly RouteEntry[]): RouteJson[] {
  return entries.map(({ name, connections }) => ({
    route: nameText(name),
    connections: connectionsJson(connections),
  }));
}

/** One row for each connection of a route. */
export function routesTable(routes: readonly RouteJson[]): string[] {
  const rows = routes.flatMap(({ route, connections }) =>
    connections.length === 0
      ? [[route, "-", "-", "-"]]
      : connections.map(({ type, endpoint, linkId }) => [route, type, endpoint, linkId ?? "-"]),
  );
  return [...counted(routes, "route(s)"), ...table(["ROUTE", "TYPE", "ENDPOINT", "LINK_ID"], rows)];
}

/** Apps have no address that anybody could dial. */
function endpointOf({ connectionType, peerNodeId }: ConnectionEntry): string {
  return connectionType === ConnectionType.edge ? "APP" : (peerNodeId ?? "-");
}
