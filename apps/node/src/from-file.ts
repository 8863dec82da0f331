import { silentLog } from "@coterie/base";
import type { Log as Logger } from "@coterie/base";
import { loadOpensslProvider } from "@coterie/crypto/openssl";
import { startAdmin } from "./admin.ts";
import { parseAddress } from "./config.ts";
import { createMetrics } from "./metrics.ts";
import { startNode } from "./server.ts";
import type { RunningNode } from "./server.ts";
import { startSlimPlane } from "./slim/plane.ts";
import { badConfig } from "./yaml/section.ts";
import type { NodeFile } from "./yaml/node-file.ts";

/** What runs of a file; without a folder for data there is no XMTP half. */
export type RunningFile = Omit<RunningNode, "xmtp"> & {
  readonly xmtp?: string | undefined;
};

/** SND-01: starts what a configuration file asks for. Rejects as {@link startNode} does, and with `node/bad-config`. */
export async function startFromFile(
  file: NodeFile,
  logger: Logger = silentLog,
): Promise<RunningFile> {
  const at = (key: "xmtp" | "history" | "admin"): ReturnType<typeof parseAddress> | undefined => {
    const text = file[key];
    if (text === undefined) return undefined;
    try {
      return parseAddress(key, text);
    } catch (cause) {
      throw badConfig(key, "must be HOST:PORT", cause);
    }
  };
  const admin = at("admin");
  if (file.data !== undefined) {
    return startNode({
      data: file.data,
      xmtp: at("xmtp") ?? { host: "127.0.0.1", port: 5556 },
      history: at("history"),
      admin,
      plane: file,
      logger,
    });
  }
  if (file.servers.length === 0) {
    throw badConfig("listen", "must name an endpoint, as there is nothing else to run");
  }
  const metrics = createMetrics();
  const plane = await startSlimPlane(file, {
    crypto: await loadOpensslProvider(),
    metrics,
    logger,
  });
  try {
    const health = (): Readonly<Record<string, unknown>> => ({ status: "serving" });
    const adminServer = admin && (await startAdmin({ ...admin, metrics, health }));
    return {
      slim: plane.servers[0],
      slimServers: plane.servers,
      control: plane.controlServers[0],
      admin: adminServer?.url,
      async close(options) {
        await plane.close(options);
        await adminServer?.close();
      },
    };
  } catch (error) {
    await plane.close({ graceMs: 0 });
    throw error;
  }
}
