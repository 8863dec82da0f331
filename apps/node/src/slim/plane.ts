import { randomUUID } from "node:crypto";
import { silentLog } from "@coterie/base";
import type { Log as Logger } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { createDataPlane } from "@coterie/dataplane";
import type { DataPlane } from "@coterie/dataplane";
import { acceptBasic, guardRoutes } from "@coterie/transport";
import type { Routes } from "@coterie/transport";
import { createH2Server } from "@coterie/transport/h2";
import { createWebSocketServer } from "@coterie/transport/websocket-node";
import { peekSlimMessage, slimPaths } from "@coterie/wire/slim";
import { listenError } from "../admin.ts";
import { NodeError } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import { serverTls } from "../yaml/endpoints.ts";
import type { ServerSettings } from "../yaml/endpoints.ts";
import type { PeerSettings, SlimPlaneSettings } from "../yaml/node-file.ts";
import { nodeControlRoutes, startNodeControl } from "./control.ts";
import { dialNode } from "./dial.ts";

export interface SlimPlaneParts {
  readonly crypto: CryptoProvider;
  /** Where messages, drops by reason, connections by kind and names are counted (SND-06). */
  readonly metrics: Metrics;
  readonly logger?: Logger | undefined;
}

export interface RunningSlimPlane {
  /** Where apps and nodes connect, as URLs, in the order of the file. */
  readonly servers: readonly string[];
  /** Where the node answers about itself. */
  readonly controlServers: readonly string[];
  readonly nodeId: string;
  /** SND-07: what waits for its reader goes out before the connections end. */
  close(options?: { readonly graceMs?: number | undefined }): Promise<void>;
}

/** How long one may leave what it is sent (SCN-05), how often it is asked whether it is there, and how old a connection grows (SCN-10). */
const patience = {
  stallTimeoutMs: 10_000,
  keepaliveMs: 120_000,
  keepaliveTimeoutMs: 20_000,
  maxAgeMs: 7_200_000,
};
/** What a native peer decodes (SCN-03). */
const largestMessage = 4 * 1024 * 1024;

/**
 * SND-01: the data plane of a configuration file: its listeners, the nodes and replicas that it dials, its controllers. Rejects with
 * `node/cannot-listen` or `node/bad-config`, leaving nothing open.
 */
export async function startSlimPlane(
  settings: SlimPlaneSettings,
  { crypto, metrics, logger = silentLog }: SlimPlaneParts,
): Promise<RunningSlimPlane> {
  const nodeId = settings.nodeId ?? `node-${randomUUID()}`; // SCN-27
  const known = [...settings.clients, ...settings.peers, ...settings.controllers];
  // SND-02: header MACs are always wanted, and a link has five seconds to be negotiated; neither can be turned off.
  const plane = createDataPlane({
    crypto,
    nodeId,
    version: "2.2.0+ts.1",
    deploymentName: settings.domain,
    metrics,
    logger,
    dial: (to) => dialNode(to, known, logger),
  });
  const undo: ((graceMs: number | undefined) => Promise<unknown>)[] = [];
  const close: RunningSlimPlane["close"] = async ({ graceMs } = {}) => {
    for (const step of undo.splice(0).toReversed()) await step(graceMs);
  };
  const serve = async (at: ServerSettings, routes: Routes): Promise<string> => {
    const server = await listen(at, routes, logger);
    undo.push((graceMs) => server.close({ graceMs: Math.min(graceMs ?? 100, 100) }));
    return server.url;
  };
  try {
    const servers: string[] = [];
    for (const at of settings.servers) servers.push(await serve(at, plane.routes));
    const controlServers: string[] = [];
    for (const at of settings.controlServers) {
      controlServers.push(await serve(at, nodeControlRoutes(plane)));
    }
    undo.push((graceMs) => plane.close({ graceMs }));
    dialAll(plane, settings, nodeId, logger);
    if (settings.controllers.length > 0) {
      const control = startNodeControl({
        plane,
        nodeId,
        domain: settings.domain,
        secret: settings.domainSecret,
        reachable: settings.servers.map((at, index) => ({
          endpoint: new URL(servers[index] as string).host || (servers[index] as string),
          external: at.externalEndpoint,
          tls: at.tls !== undefined,
          auth: at.auth?.kind,
        })),
        controllers: settings.controllers,
        logger,
      });
      undo.push(() => control.close());
    }
    return { servers, controlServers, nodeId, close };
  } catch (error) {
    await close({ graceMs: 0 });
    throw error;
  }
}

/**
 * SRT-15: of two replicas the one with the smaller id calls, as released ones do it; the list may be the same for all. Replicas that are away are
 * called again (SCN-11).
 */
function dialAll(
  plane: DataPlane,
  { peers, clients }: SlimPlaneSettings,
  nodeId: string,
  logger: Logger,
): void {
  const others = peers.filter(
    (peer: PeerSettings) => peer.nodeId === undefined || nodeId < peer.nodeId,
  );
  for (const [kind, list] of [
    ["peer", others],
    ["remote", clients],
  ] as const) {
    for (const { endpoint } of list) {
      plane
        .connect({ endpoint, linkId: randomUUID(), kind, config: {} })
        .catch((error: unknown) => logger.write("warn", "slim.not-linked", { endpoint, error }));
    }
  }
}

interface Listening {
  readonly url: string;
  close(options: { readonly graceMs: number }): Promise<void>;
}

async function listen(at: ServerSettings, routes: Routes, log: Logger): Promise<Listening> {
  const { kind, host, port, path, auth } = at;
  const tls = serverTls(at);
  const authorize = auth && acceptBasic(auth);
  try {
    if (kind !== "websocket") {
      return await createH2Server({
        ...(kind === "unix" ? { path: host } : { host, port }),
        routes: authorize === undefined ? routes : guardRoutes(routes, authorize),
        limits: { ...patience, maxRequestBytes: largestMessage },
        tls,
        log,
      });
    }
    const route = routes.get(slimPaths.openChannel);
    if (route?.kind !== "duplex") {
      throw new NodeError("node/bad-config", {
        message: "a WebSocket serves the data plane alone",
      });
    }
    return await createWebSocketServer({
      host,
      port,
      path,
      tls,
      authorize,
      handle: route.handle,
      isMessage: isReadable,
      limits: { ...patience, maxMessageBytes: largestMessage },
      log,
    });
  } catch (error) {
    if (error instanceof NodeError) throw error;
    throw listenError({ host, port }, error);
  }
}

/** SCN-07: an undecodable frame ends the connection. */
function isReadable(frame: Uint8Array): boolean {
  try {
    peekSlimMessage(frame);
    return true;
  } catch {
    return false;
  }
}
