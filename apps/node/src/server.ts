import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { silentLog, systemClock } from "@coterie/base";
import type { Log as Logger } from "@coterie/base";
import { loadOpensslProvider } from "@coterie/crypto/openssl";
import { createDataPlane } from "@coterie/dataplane";
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
import { nodeControlRoutes, startNodeControl } from "./slim/control.ts";
import { dialNode } from "./slim/dial.ts";
import { startPruning } from "./prune.ts";
import type { Retention } from "./prune.ts";
import type { RateLimits } from "./rate-limits.ts";

export interface NodeOptions {
  /** Folder of the database; made where it is missing. */
  readonly data: string;
  readonly xmtp: Address;
  /** The SLIM data plane; absent: off. */
  readonly slim?: Address | undefined;
  /** The data plane's part in a larger one; without `slim` there is none. */
  readonly control?: ControlOptions | undefined;
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
    const { control: wanted } = options;
    const own = slimParts(wanted?.nodeId);
    const dataPlane =
      options.slim &&
      createDataPlane({
        ...own,
        crypto,
        metrics,
        logger,
        dial: (to) => dialNode(to, wanted?.controllers ?? [], logger),
      });
    const slim =
      options.slim && dataPlane
        ? await listen({
            ...options.slim,
            routes: dataPlane.routes,
            limits: slimLimits,
            log: logger,
          })
        : undefined;
    undo.push(() => slim?.close({ graceMs: 0 }));
    const controlServer =
      dataPlane && wanted?.listen
        ? await listen({ ...wanted.listen, routes: nodeControlRoutes(dataPlane), log: logger })
        : undefined;
    undo.push(() => controlServer?.close({ graceMs: 0 }));
    const control =
      dataPlane && slim && wanted
        ? startNodeControl({
            ...wanted,
            plane: dataPlane,
            nodeId: own.nodeId,
            reachable: [
              { endpoint: new URL(slim.url).host, external: wanted.external, tls: false },
            ],
            logger,
          })
        : undefined;
    undo.push(() => control?.close());
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
      // SND-07: what waits for its reader goes out before the connections end
      const stopped = dataPlane?.close({ graceMs }).then(() => slim?.close({ graceMs: 100 }));
      const drained = [xmtp.close({ graceMs }), stopped];
      node.close();
      await Promise.all(drained);
      await history?.close();
      await admin?.close();
      await log.close();
      lock.release();
    };
    return {
      xmtp: xmtp.url,
      slim: slim?.url,
      control: controlServer?.url,
      admin: admin?.url,
      history: history?.url,
      close: ({ graceMs } = {}) => (closing ??= close(graceMs)),
    };
  } catch (error) {
    for (const step of undo.toReversed()) await step();
    throw error;
  }
}

/** What a native peer decodes (SCN-03), and how long one may leave what it is sent (SCN-05). */
const slimLimits = { maxRequestBytes: 4 * 1024 * 1024, stallTimeoutMs: 10_000 };

/** SCN-27, and the version that peers are told (SSN-21). */
function slimParts(nodeId: string | undefined): { nodeId: string; version: string } {
  return { nodeId: nodeId ?? `node-${randomUUID()}`, version: "2.2.0+ts.1" };
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
