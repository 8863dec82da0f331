import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { silentLog, systemClock } from "@coterie/base";
import type { Log as Logger } from "@coterie/base";
import { loadOpensslProvider } from "@coterie/crypto/openssl";
import { createH2Server } from "@coterie/transport/h2";
import type { H2Server, H2ServerOptions } from "@coterie/transport/h2";
import { listenError, startAdmin } from "./admin.ts";
import { startHistory } from "./history.ts";
import type { AdminServer } from "./admin.ts";
import { chainVerifier } from "./chains.ts";
import type { Address, ControlOptions } from "./config.ts";
import { NodeError } from "./errors.ts";
import type { NodeLimits } from "./limits.ts";
import { lockFolder } from "./log/lock.ts";
import { openSqliteLog } from "./log/sqlite.ts";
import { createNode } from "./node.ts";
import { startSlimPlane } from "./slim/plane.ts";
import { startPruning } from "./prune.ts";
import type { Retention } from "./prune.ts";
import type { RateLimits } from "./rate-limits.ts";
import type { ServerSettings } from "./yaml/endpoints.ts";
import type { SlimPlaneSettings } from "./yaml/node-file.ts";

export interface NodeOptions {
  /** Folder of the database; made where it is missing. */
  readonly data: string;
  readonly xmtp: Address;
  /** The SLIM data plane; absent: off. */
  readonly slim?: Address | undefined;
  /** The data plane's part in a larger one; without `slim` there is none. */
  readonly control?: ControlOptions | undefined;
  /** The data plane as a file has it, in place of these two (SND-01). */
  readonly plane?: SlimPlaneSettings | undefined;
  readonly admin?: Address | undefined;
  /** Archives in transit between the installations of one person (XHS-06); absent: off. */
  readonly history?: Address | undefined;
  /** How long such an archive is kept, in days; default 2. */
  readonly historyDays?: number | undefined;
  /** Pages that may call by gRPC-web, by origin (XND-06); absent or empty: none. */
  readonly webOrigins?: readonly string[] | undefined;
  readonly limits?: Partial<NodeLimits> | undefined;
  /** What one address may call (XND-42); absent: as much as it likes. */
  readonly rateLimits?: RateLimits | undefined;
  /** What is deleted once it is old (XND-43); absent: nothing. */
  readonly retention?: Retention | undefined;
  /** JSON-RPC endpoints by chain id, to ask about contract wallets (XND-25); absent: such wallets are refused. */
  readonly chains?: ReadonlyMap<bigint, string> | undefined;
  readonly logger?: Logger | undefined;
}

export interface RunningNode {
  /** Where the XMTP interface and, if asked for, the admin interface answer. */
  readonly xmtp: string;
  readonly slim?: string | undefined;
  /** All listeners of the data plane; `slim` is the first. */
  readonly slimServers: readonly string[];
  /** Where the node answers about its links and routes. */
  readonly control?: string | undefined;
  readonly admin?: string | undefined;
  readonly history?: string | undefined;
  /** Stops taking calls, lets those under way finish within the grace, and closes the database. */
  close(options?: { readonly graceMs?: number | undefined }): Promise<void>;
}

/**
 * Starts a node on a folder. Throws `node/data-in-use`, `node/bad-data-folder`, `node/cannot-listen` or a `node/storage…` code,
 * leaving nothing open.
 */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const logger = options.logger ?? silentLog;
  const undo: (() => unknown)[] = [];
  try {
    makeFolder(options.data);
    const lock = lockFolder(options.data);
    undo.push(() => lock.release());
    const log = openSqliteLog({ path: join(options.data, "node.db"), clock: systemClock });
    undo.push(() => log.close());
    const crypto = await loadOpensslProvider();
    const node = createNode({
      log,
      crypto,
      contracts: chainVerifier(crypto, options.chains),
      limits: options.limits,
      rateLimits: options.rateLimits,
      logger,
    });
    const { metrics } = node;
    const { webOrigins = [] } = options;
    const xmtp = await listen({
      ...options.xmtp,
      routes: node.routes,
      limits: { maxRequestBytes: node.limits.requestBytes },
      web: webOrigins.length > 0 ? { origins: webOrigins } : undefined,
      log: logger,
    });
    undo.push(() => xmtp.close({ graceMs: 0 }));
    const settings = options.plane ?? planeOf(options);
    const plane = settings && (await startSlimPlane(settings, { crypto, metrics, logger }));
    undo.push(() => plane?.close({ graceMs: 0 }));
    metrics.gauge("coterie_transactions_total", () => log.stats.transactions);
    metrics.gauge("coterie_writes_total", () => log.stats.writes);
    metrics.gauge("coterie_connections", () => xmtp.stats().sessions);
    metrics.gauge("coterie_calls", () => xmtp.stats().calls);
    metrics.gauge("process_resident_memory_bytes", () => process.memoryUsage.rss());
    const startedAt = Date.now();
    const health = (): Readonly<Record<string, unknown>> => ({
      status: "serving",
      uptimeSeconds: Math.floor((Date.now() - startedAt) / 1000),
    });
    const admin: AdminServer | undefined =
      options.admin && (await startAdmin({ ...options.admin, metrics, health }));

    undo.push(() => admin?.close());
    const history =
      options.history &&
      (await startHistory({
        ...options.history,
        folder: join(options.data, "history"),
        maxBytes: node.limits.archiveBytes,
        maxTotalBytes: node.limits.archivesBytes,
        keepMs: (options.historyDays ?? 2) * 86_400_000,
        webOrigins,
        clock: systemClock,
        logger,
      }));

    const stopPruning = startPruning(log, options.retention ?? {}, systemClock, logger);

    let closing: Promise<void> | undefined;
    const close = async (graceMs: number | undefined): Promise<void> => {
      stopPruning();
      const drained = [xmtp.close({ graceMs }), plane?.close({ graceMs })];
      node.close();
      await Promise.all(drained);
      await history?.close();
      await admin?.close();
      await log.close();
      lock.release();
    };
    return {
      xmtp: xmtp.url,
      slim: plane?.servers[0],
      slimServers: plane?.servers ?? [],
      control: plane?.controlServers[0],
      admin: admin?.url,
      history: history?.url,
      close: ({ graceMs } = {}) => (closing ??= close(graceMs)),
    };
  } catch (error) {
    for (const step of undo.toReversed()) await step();
    throw error;
  }
}

/** `slim` and `control` as a file would have them. */
function planeOf({ slim, control }: NodeOptions): SlimPlaneSettings | undefined {
  if (slim === undefined) return undefined;
  const server = (at: Address, externalEndpoint?: string): ServerSettings => ({
    kind: "grpc",
    ...at,
    path: "/",
    tls: undefined,
    auth: undefined,
    externalEndpoint,
  });
  return {
    nodeId: control?.nodeId,
    domain: control?.domain,
    domainSecret: control?.secret,
    servers: [server(slim, control?.external)],
    clients: [],
    peers: [],
    controlServers: control?.listen === undefined ? [] : [server(control.listen)],
    controllers: control?.controllers ?? [],
  };
}

async function listen(options: Address & H2ServerOptions): Promise<H2Server> {
  try {
    return await createH2Server(options);
  } catch (error) {
    throw listenError(options, error);
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const reason = String((cause as { code?: unknown } | null)?.code ?? "unknown");
    throw new NodeError("node/bad-data-folder", {
      details: { folder, reason },
      cause,
    });
  }
}
