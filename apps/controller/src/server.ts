import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { silentLog } from "@coterie/base";
import type { Log as Logger } from "@coterie/base";
import { createMemoryStore } from "@coterie/storage";
import type { Store } from "@coterie/storage";
import { openSqliteStore } from "@coterie/storage/sqlite";
import type { Routes } from "@coterie/transport";
import { createH2Server } from "@coterie/transport/h2";
import type { H2Server } from "@coterie/transport/h2";
import { createController } from "./controller.ts";
import type { ControllerTimes } from "./controller.ts";
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
  /** What operators ask; customary port 50051. It has no login: let only operators reach it. */
  readonly northbound: Address;
  readonly admission?: Admission | undefined;
  readonly times?: Partial<ControllerTimes> | undefined;
  readonly logger?: Logger | undefined;
}

export interface RunningController {
  /** URLs. */
  readonly southbound: string;
  readonly northbound: string;
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
    const { admission, times } = options;
    const controller = await createController({ store, admission, times, logger });
    undo.push(() => controller.close());
    const serve = async (address: Address, routes: Routes): Promise<H2Server> => {
      const server = await listen(address, routes, logger);
      undo.push(() => server.close({ graceMs: 0 }));
      return server;
    };
    const southbound = await serve(options.southbound, controller.southbound);
    const northbound = await serve(options.northbound, controller.northbound);
    return { southbound: southbound.url, northbound: northbound.url, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openStore(folder: string | undefined): Promise<Store> {
  if (folder === undefined) return createMemoryStore();
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // secrets stand in it as hashes; the file is readable by its owner alone
  return openSqliteStore({ path: join(folder, "controller.db"), unencrypted: true });
}

async function listen(address: Address, routes: Routes, log: Logger): Promise<H2Server> {
  try {
    return await createH2Server({ ...address, routes, limits, log });
  } catch (cause) {
    const reason = String((cause as { code?: unknown } | null)?.code ?? "unknown");
    throw new ControllerError("controller/cannot-listen", {
      details: { ...address, reason },
      cause,
    });
  }
}
