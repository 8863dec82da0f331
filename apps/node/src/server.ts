import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { silentLog, systemClock } from "@coterie/base";
import type { Log as Logger } from "@coterie/base";
import { loadOpensslProvider } from "@coterie/crypto/openssl";
import { createH2Server } from "@coterie/transport/h2";
import type { H2Server } from "@coterie/transport/h2";
import { listenError, startAdmin } from "./admin.ts";
import type { AdminServer } from "./admin.ts";
import type { Address } from "./config.ts";
import { NodeError } from "./errors.ts";
import type { NodeLimits } from "./limits.ts";
import { lockFolder } from "./log/lock.ts";
import { openSqliteLog } from "./log/sqlite.ts";
import { createNode } from "./node.ts";
import { startPruning } from "./prune.ts";
import type { Retention } from "./prune.ts";
import type { RateLimits } from "./rate-limits.ts";

export interface NodeOptions {
  /** Folder of the database; made where it is missing. */
  readonly data: string;
  readonly xmtp: Address;
  readonly admin?: Address | undefined;
  /** Pages that may call by gRPC-web, by origin (XND-06); absent or empty: none. */
  readonly webOrigins?: readonly string[] | undefined;
  readonly limits?: Partial<NodeLimits> | undefined;
  /** What one address may call (XND-42); absent: as much as it likes. */
  readonly rateLimits?: RateLimits | undefined;
  /** What is deleted once it is old (XND-43); absent: nothing. */
  readonly retention?: Retention | undefined;
  readonly logger?: Logger | undefined;
}

export interface RunningNode {
  /** Where the XMTP interface and, if asked for, the admin interface answer. */
  readonly xmtp: string;
  readonly admin?: string | undefined;
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
    const node = createNode({
      log,
      crypto: await loadOpensslProvider(),
      limits: options.limits,
      rateLimits: options.rateLimits,
      logger,
    });
    const { metrics } = node;
    const xmtp = await listen(options, node.routes, node.limits, logger);
    undo.push(() => xmtp.close({ graceMs: 0 }));
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

    const stopPruning = startPruning(log, options.retention ?? {}, systemClock, logger);

    let closing: Promise<void> | undefined;
    const close = async (graceMs: number | undefined): Promise<void> => {
      stopPruning();
      const drained = xmtp.close({ graceMs });
      node.close();
      await drained;
      await admin?.close();
      await log.close();
      lock.release();
    };
    return {
      xmtp: xmtp.url,
      admin: admin?.url,
      close: ({ graceMs } = {}) => (closing ??= close(graceMs)),
    };
  } catch (error) {
    for (const step of undo.toReversed()) await step();
    throw error;
  }
}

async function listen(
  { xmtp: address, webOrigins = [] }: NodeOptions,
  routes: Parameters<typeof createH2Server>[0]["routes"],
  limits: NodeLimits,
  log: Logger,
): Promise<H2Server> {
  try {
    return await createH2Server({
      ...address,
      routes,
      limits: { maxRequestBytes: limits.requestBytes },
      web: webOrigins.length > 0 ? { origins: webOrigins } : undefined,
      log,
    });
  } catch (error) {
    throw listenError(address, error);
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
