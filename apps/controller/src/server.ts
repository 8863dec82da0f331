import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { silentLog } from "@coterie/base";
import type { Log as Logger } from "@coterie/base";
import { loadOpensslProvider } from "@coterie/crypto/openssl";
import { createMemoryStore } from "@coterie/storage";
import type { Store } from "@coterie/storage";
import { openSqliteStore } from "@coterie/storage/sqlite";
import { guardRoutes, Status, StatusError } from "@coterie/transport";
import type { Authorize, Route, Routes } from "@coterie/transport";
import { createH2Server } from "@coterie/transport/h2";
import type { H2Server, H2ServerOptions, ServerTls } from "@coterie/transport/h2";
import { channelManagerPaths } from "@coterie/wire/slim/channel-manager";
import { openControllerApp } from "./app.ts";
import type { ControllerAppOptions, RunningControllerApp } from "./app.ts";
import { createController } from "./controller.ts";
import type { Controller, ControllerTimes } from "./controller.ts";
import { domainTokens } from "./domain-tokens.ts";
import { ControllerError } from "./errors.ts";
import type { Admission } from "./southbound.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface ControllerOptions {
  /** Folder of the database; made where it is missing. Absent: everything is forgotten at the end. */
  readonly data?: string | undefined;
  /** What nodes dial; customary port 50052. */
  readonly southbound: Address;
  /** What operators ask; customary port 50051. */
  readonly northbound: Address;
  /** Who may ask, here and at the channel manager; absent: whoever reaches them. */
  readonly operators?: Authorize | undefined;
  /** Of all listeners; absent: cleartext, domain secrets included. */
  readonly tls?: ServerTls | undefined;
  /** The channel manager's service over the controller's hosted channels (SCM-08); customary port 10356. */
  readonly channelManager?: Address | undefined;
  /** The controller's own app (SCT-21); absent: links and routes, and no channels. */
  readonly app?: ControllerAppOptions | undefined;
  readonly admission?: Admission | undefined;
  /** Secrets by domain, for nodes that show tokens made with them, as released ones do; beside those that operators add. */
  readonly domainSecrets?: ReadonlyMap<string, string> | undefined;
  readonly times?: Partial<ControllerTimes> | undefined;
  readonly logger?: Logger | undefined;
}

export interface RunningController {
  /** URLs. */
  readonly southbound: string;
  readonly northbound: string;
  readonly channelManager?: string | undefined;
  /** Resolves once the controller's own app is connected to its node, which may come later than the controller. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

/** What a native peer decodes (SCN-03). */
const limits = { maxRequestBytes: 4 * 1024 * 1024 };

/** Starts a controller on a folder. Throws `controller/cannot-listen` or a `storage/…` code, leaving nothing open. */
export async function startController(options: ControllerOptions): Promise<RunningController> {
  const logger = options.logger ?? silentLog;
  const undo: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const store = await openStore(options.data);
    undo.push(() => store.close());
    const { times } = options;
    const admission = await admissionOf(options);
    const controller = await createController({ store, admission, times, logger });
    undo.push(() => controller.close());
    const serve = async (address: Address, routes: Routes): Promise<H2Server> => {
      const server = await listen({ ...address, tls: options.tls, routes, limits, log: logger });
      undo.push(() => server.close({ graceMs: 0 }));
      return server;
    };
    const southbound = await serve(options.southbound, controller.southbound);
    const { operators } = options;
    const guarded = (routes: Routes): Routes =>
      operators ? guardRoutes(routes, operators) : routes;
    const northbound = await serve(options.northbound, guarded(controller.northbound));
    let manager: Routes = new Map();
    const channelManager =
      options.channelManager &&
      (await serve(options.channelManager, guarded(later(() => manager))));
    const stop = new AbortController();
    const ready = options.app
      ? attach(controller, { logger, ...options.app }, stop.signal, (routes) => (manager = routes))
      : undefined;
    undo.push(async () => {
      stop.abort();
      await (await ready)?.close();
    });
    return {
      southbound: southbound.url,
      northbound: northbound.url,
      channelManager: channelManager?.url,
      ready: (async () => void (await ready))(),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Between two attempts to reach the node. */
const retryMs = 2_000;

/** Tries until it is there: the node registers here first, and may start later. Undefined where the controller was stopped before. */
async function attach(
  controller: Controller,
  options: ControllerAppOptions,
  signal: AbortSignal,
  attached: (channelManager: Routes) => void,
): Promise<RunningControllerApp | undefined> {
  while (!signal.aborted) {
    try {
      const app = await openControllerApp(options, signal);
      attached(controller.attach(app));
      options.logger?.write("info", "controller.attached", { node: options.node.endpoint });
      return app;
    } catch (error) {
      if (signal.aborted) return undefined;
      options.logger?.write("warn", "controller.no-node", { node: options.node.endpoint, error });
      await sleep(retryMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }
  return undefined;
}

/** Routes that are there from some time on; before it they are as unknown as any. */
function later(current: () => Routes): Routes {
  const unavailable = (): never => {
    throw new StatusError(Status.unavailable, "the controller's app is not connected yet");
  };
  return new Map(
    Object.values(channelManagerPaths).map((path): [string, Route] => [
      path,
      {
        kind: "unary",
        handle(request, context) {
          const route = current().get(path);
          return route?.kind === "unary" ? route.handle(request, context) : unavailable();
        },
      },
    ]),
  );
}

async function admissionOf({
  admission,
  domainSecrets,
}: ControllerOptions): Promise<Admission | undefined> {
  if (domainSecrets === undefined || domainSecrets.size === 0) return admission;
  const verify = domainTokens(domainSecrets, await loadOpensslProvider());
  return {
    // a domain whose secret is known is open to nobody without it
    open: false,
    guards: (domain) => domainSecrets.has(domain) || admission?.guards?.(domain) === true,
    verify: async (credentials, domain, nodeId) =>
      (await verify(credentials, domain, nodeId)) ||
      (await admission?.verify?.(credentials, domain, nodeId)) === true ||
      (admission?.open === true && !domainSecrets.has(domain)),
  };
}

async function openStore(folder: string | undefined): Promise<Store> {
  if (folder === undefined) return createMemoryStore();
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // secrets stand in it as hashes; the file is readable by its owner alone
  return openSqliteStore({ path: join(folder, "controller.db"), unencrypted: true });
}

async function listen(options: Address & H2ServerOptions): Promise<H2Server> {
  try {
    return await createH2Server(options);
  } catch (cause) {
    const { host, port } = options;
    const reason = String((cause as { code?: unknown } | null)?.code ?? "unknown");
    throw new ControllerError("controller/cannot-listen", {
      details: { host, port, reason },
      cause,
    });
  }
}
