import { readClient, readDialled, readServer } from "./endpoints.ts";
import type { ClientSettings, ServerSettings } from "./endpoints.ts";
import type { LoadedFile } from "./load.ts";
import { createSection } from "./section.ts";
import type { Section } from "./section.ts";

const logLevels = ["trace", "debug", "info", "warn", "error", "silent"] as const;

/** SND-01: what a configuration file says of a node, in SLIM's shape or in the short form. */
export interface NodeFile {
  /** Of the XMTP half, which is off without one. */
  readonly data: string | undefined;
  readonly xmtp: string | undefined;
  readonly history: string | undefined;
  /** Health and metrics over HTTP. */
  readonly admin: string | undefined;
  readonly logLevel: "debug" | "info" | "warn" | "error" | "silent" | undefined;
  readonly graceMs: number | undefined;
  readonly nodeId: string | undefined;
  /** Of the controller's topology, and of peers (SRT-15). */
  readonly domain: string | undefined;
  /** What the node registers with (SCT-01). */
  readonly domainSecret: string | undefined;
  readonly servers: readonly ServerSettings[];
  /** Other nodes that this one dials as REMOTE. */
  readonly clients: readonly ClientSettings[];
  /** Replicas of one deployment, this node among them or not. */
  readonly peers: readonly PeerSettings[];
  /** The node's own answers about itself (SCT-06). */
  readonly controlServers: readonly ServerSettings[];
  readonly controllers: readonly ClientSettings[];
}

export interface PeerSettings extends ClientSettings {
  readonly nodeId: string | undefined;
}

/** Both shapes may stand in one file: what is listed adds up. Throws `node/bad-config`. */
export function readNodeFile({ top, notes }: LoadedFile): NodeFile {
  const slim = readService(top);
  const tracing = top.section("tracing");
  const runtime = top.section("runtime");
  tracing?.ignore(
    "display_thread_names",
    "display_thread_ids",
    "opentelemetry",
    "filter",
    "filters",
  );
  const traced = tracing?.oneOf("log_level", logLevels);
  tracing?.end();
  runtime?.ignore("n_cores", "thread_name");
  const graceMs = runtime?.durationMs("drain_timeout") ?? top.durationMs("grace");
  runtime?.end();
  const level = top.oneOf("log_level", logLevels) ?? traced;
  const short = readShort(top, notes);
  const file: NodeFile = {
    data: top.text("data"),
    xmtp: top.text("xmtp"),
    history: top.text("history"),
    admin: top.text("admin"),
    logLevel: level === "trace" ? "debug" : level,
    graceMs,
    nodeId: top.text("node_id") ?? slim?.nodeId,
    domain: top.text("domain") ?? slim?.domain,
    domainSecret: top.text("domain_secret") ?? slim?.domainSecret,
    servers: [...(slim?.servers ?? []), ...short.servers],
    clients: slim?.clients ?? [],
    peers: [...(slim?.peers ?? []), ...short.peers],
    controlServers: [...(slim?.controlServers ?? []), ...short.controlServers],
    controllers: [...(slim?.controllers ?? []), ...short.controllers],
  };
  // Another program's part of the same file.
  top.raw("channel-manager");
  top.end();
  if (file.data === undefined && (file.xmtp !== undefined || file.history !== undefined)) {
    throw top.bad("data", "must name a folder, as the XMTP half keeps messages");
  }
  return file;
}

/** Of a configuration file: the data plane's part. */
export type SlimPlaneSettings = Pick<
  NodeFile,
  | "nodeId"
  | "domain"
  | "domainSecret"
  | "servers"
  | "clients"
  | "peers"
  | "controlServers"
  | "controllers"
>;

function readService(top: Section): SlimPlaneSettings | undefined {
  const services = top.section("services")?.entries() ?? [];
  const [first, second] = services;
  if (first === undefined) return undefined;
  const [name, service] = first;
  if (!name.startsWith("slim/")) throw service.bad("", "must be called slim/0 or the like");
  if (second !== undefined) throw second[1].bad("", "is a second service: one process is one node");
  const plane = service.section("dataplane");
  const control = service.section("controller");
  const auth = service.section("auth");
  const part: SlimPlaneSettings = {
    nodeId: service.text("node_id"),
    domain: service.text("domain_name"),
    domainSecret: auth && readSecret(auth),
    servers: plane?.sections("servers").map(readServer) ?? [],
    clients: plane?.sections("clients").map(readClient) ?? [],
    peers: readPeers(service.section("peers")),
    controlServers: control?.sections("servers").map(readServer) ?? [],
    controllers: control?.sections("clients").map(readClient) ?? [],
  };
  if (plane?.flag("enforce_pqc") || service.flag("enforce_pqc")) {
    throw (plane ?? service).bad("enforce_pqc", "is not supported");
  }
  plane?.end();
  control?.ignore("outbound_clients");
  control?.end();
  service.end();
  return part;
}

/** What a node shows its controller. */
function readSecret(auth: Section): string | undefined {
  const kind = auth.oneOf("type", ["shared_secret", "none"]);
  const secret = auth.text("secret");
  auth.ignore("id");
  auth.end();
  return kind === "none" ? undefined : secret;
}

function readPeers(peers: Section | undefined): readonly PeerSettings[] {
  if (peers === undefined) return [];
  peers.oneOf("topology", ["full_mesh"]);
  const discovery = peers.section("discovery");
  discovery?.oneOf("type", ["static"]);
  const found = discovery?.sections("peers").map(readPeer) ?? [];
  discovery?.end();
  peers.end();
  return found;
}

function readPeer(peer: Section): PeerSettings {
  const settings = { nodeId: peer.text("node_id"), ...readDialled(peer) };
  peer.end();
  return settings;
}

/** Ours: `listen`, `control`, `peers`, `controller`; each an endpoint, a mapping in SLIM's shape, or a list of these. */
function readShort(
  top: Section,
  notes: string[],
): Pick<NodeFile, "servers" | "peers" | "controlServers" | "controllers"> {
  const each = <T>(key: string, read: (section: Section) => T): T[] => {
    const found = top.raw(key);
    if (found === undefined) return [];
    const list = Array.isArray(found) ? (found as readonly unknown[]) : [found];
    return list.map((entry, index) => {
      const path = Array.isArray(found) ? `${key}[${index}]` : key;
      return read(createSection(asMapping(entry), path, notes));
    });
  };
  return {
    servers: each("listen", readServer),
    controlServers: each("control", readServer),
    peers: each("peers", readPeer),
    controllers: each("controller", readClient),
  };
}

/** An endpoint alone is cleartext unless its scheme says otherwise: short is for trying things out. */
function asMapping(entry: unknown): unknown {
  if (typeof entry !== "string" && typeof entry !== "number") return entry;
  const text = String(entry);
  const endpoint = /^\d+$/.test(text) ? `127.0.0.1:${text}` : text;
  return endpoint.includes("://") ? { endpoint } : { endpoint, tls: { insecure: true } };
}
