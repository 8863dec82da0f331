import { readFileSync } from "node:fs";
import type { Log as Logger } from "@coterie/base";
import type { PlaneDial } from "@coterie/dataplane";
import type { Transport } from "@coterie/transport";
import { createH2Transport } from "@coterie/transport/h2";
import type { ClientSettings } from "../yaml/endpoints.ts";

/** A way to whoever a file or a controller names, over HTTP/2. */
export function dialClient(settings: ClientSettings, log?: Logger): Transport {
  const { endpoint, tls, serverName } = settings;
  return createH2Transport({
    url: endpoint,
    tls: tls && { ...tls, servername: serverName },
    metadata: { ...Object.fromEntries(settings.headers), ...authorization(settings) },
    connectTimeoutMs: settings.connectTimeoutMs,
    log,
  });
}

/**
 * A way to another node (SCT-04). A controller says where it is; how to show ourselves there stands in our own file, under the same endpoint or one
 * for all.
 */
export function dialNode(
  { endpoint }: PlaneDial,
  known: readonly ClientSettings[],
  log?: Logger,
): Transport {
  const same = known.find((client) => sameEndpoint(client.endpoint, endpoint));
  return same === undefined
    ? createH2Transport({ url: endpoint, log })
    : dialClient({ ...same, endpoint }, log);
}

function authorization({ auth }: ClientSettings): Record<string, string> {
  if (auth === undefined) return {};
  if (auth.kind === "basic") {
    const pair = Buffer.from(`${auth.username}:${auth.password}`).toString("base64");
    return { authorization: `Basic ${pair}` };
  }
  return { authorization: `Bearer ${readFileSync(auth.path, "utf8").trim()}` };
}

function sameEndpoint(a: string, b: string): boolean {
  return URL.canParse(a) && URL.canParse(b) && new URL(a).host === new URL(b).host;
}
