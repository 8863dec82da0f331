import { encodeSlimName } from "@coterie/wire/slim";
import { ConnectionDirection, ConnectionType } from "@coterie/wire/slim/controller";
import type { ConnectionEntry, ControlMessage, RouteEntry } from "@coterie/wire/slim/controller";
import type { LinkKind } from "../routes.ts";
import type { ControlledPlane, PlaneLink } from "./port.ts";

type Payload = ControlMessage["payload"];

/** Entries of one answer; the last answer says that it is the last (SCT-06). */
const chunkSize = 100;

const types: Readonly<Record<LinkKind, ConnectionType>> = {
  local: ConnectionType.local,
  remote: ConnectionType.remote,
  peer: ConnectionType.peer,
  edge: ConnectionType.edge,
};

export function connectionEntry(link: PlaneLink): ConnectionEntry {
  return {
    id: link.id,
    connectionType: types[link.kind],
    configData: JSON.stringify(link.endpoint === undefined ? {} : { endpoint: link.endpoint }),
    linkId: link.linkId,
    direction:
      link.direction === "outgoing" ? ConnectionDirection.outgoing : ConnectionDirection.incoming,
    peerNodeId: link.peerNodeId,
  };
}

/** SCT-06: the answers to a list request, or nothing where the message asks for no list. */
export function listAnswers(plane: ControlledPlane, request: ControlMessage): readonly Payload[] {
  const originalMessageId = request.messageId;
  switch (request.payload.kind) {
    case "routeListRequest": {
      const entries: RouteEntry[] = [];
      for (const { name, links } of plane.names()) {
        entries.push({ name: encodeSlimName(name), connections: links.map(connectionEntry) });
      }
      return chunks(entries).map(({ part, done }) => ({
        kind: "routeListResponse",
        value: { originalMessageId, entries: part, done },
      }));
    }
    case "connectionListRequest":
      return chunks(plane.links().map(connectionEntry)).map(({ part, done }) => ({
        kind: "connectionListResponse",
        value: { originalMessageId, entries: part, done },
      }));
    default:
      return [];
  }
}

function chunks<T>(all: readonly T[]): { part: readonly T[]; done: boolean }[] {
  const out: { part: readonly T[]; done: boolean }[] = [];
  for (let at = 0; at === 0 || at < all.length; at += chunkSize) {
    out.push({ part: all.slice(at, at + chunkSize), done: at + chunkSize >= all.length });
  }
  return out;
}
