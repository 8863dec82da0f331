import { toHex } from "@coterie/base";
import { DeviceSyncContent } from "@coterie/wire";
import type { ArchiveOptions } from "../archive/options.ts";
import type { ImportSummary } from "../archive/import.ts";
import { createHistoryServer } from "../archive/transfer.ts";
import type { Fetch } from "../archive/transfer.ts";
import type { Context } from "../context.ts";
import type { ConversationEngine } from "../conversation-engine.ts";
import { ClientError } from "../errors.ts";
import type { Groups } from "../groups.ts";
import { keys } from "../keys.ts";
import { eachLimited, Lock } from "../run.ts";
import type { Welcomes } from "../welcomes.ts";
import type { Pace } from "../worker-config.ts";
import { welcomeInstallations } from "./arrivals.ts";
import { encodePreferences } from "./content.ts";
import { createHistory } from "./history.ts";
import type { AvailableArchiveInfo } from "./history.ts";
import { readSyncGroup } from "./inbox.ts";
import { createJobs } from "./jobs.ts";
import { createSyncGroups } from "./sync-groups.ts";

export interface DeviceSyncOptions {
  /** XHS-04 */
  readonly enabled: boolean;
  /** Where archives are exchanged unless a call says otherwise; without one nothing is asked for by itself. */
  readonly serverUrl: string | undefined;
  readonly fetch: Fetch;
  /** Milliseconds between two looks (XHS-02); undefined: nothing is done by itself. */
  readonly pace: Pace | undefined;
}

export interface SyncSummary {
  readonly numEligible: number;
  readonly numSynced: number;
}

/** What comes within this time is told together, and not in the way of what caused it: each new conversation is a consent as well. */
const settleMs = 250;

/** What the installations of one inbox tell each other: preferences, and history on request. */
export interface DeviceSync {
  /** Works by itself from now on: on everything heard or changed here, and every 20 seconds. */
  start(): void;
  /** Resolves when nothing is under way any more; after the client's signal was aborted. */
  stopped(): Promise<void>;
  /** Reads the sync groups, acts on what is in them, and tells what was changed here. */
  sync(): Promise<SyncSummary>;
  request(options?: ArchiveOptions, serverUrl?: string): Promise<string>;
  sendArchive(pin: string, options?: ArchiveOptions, serverUrl?: string): Promise<void>;
  processArchive(pin?: string | null): Promise<ImportSummary>;
  available(days: number): Promise<AvailableArchiveInfo[]>;
}

/** Changes in one message: bounds its size. */
const changesPerMessage = 500;
const dayNs = 86_400n * 1_000_000_000n;

export interface DeviceSyncParts {
  readonly context: Context;
  readonly groups: Groups;
  readonly engine: ConversationEngine;
  readonly welcomes: Welcomes;
}

export function createDeviceSync(parts: DeviceSyncParts, options: DeviceSyncOptions): DeviceSync {
  const { context, groups, engine, welcomes } = parts;
  const { ports } = context;
  const lock = new Lock();
  const syncGroups = createSyncGroups(context, groups, engine);
  const server = createHistoryServer(options.fetch, context.signal);
  const history = createHistory({ ...parts, syncGroups, server });
  const jobs = createJobs(context, history);
  let running: Promise<void> | undefined;
  let kick: () => void = () => undefined;
  let kicked = false;

  function serverFor(given: string | undefined): string {
    const url = given ?? options.serverUrl;
    if (url === undefined) throw new ClientError("client/bad-argument", { argument: "serverUrl" });
    return url;
  }

  /** XHS-05: what was changed here, in as few messages as it fits. Alone there is nobody to tell. */
  async function tell(): Promise<void> {
    const changes = await context.preferences.outbox();
    if (changes.length === 0) return;
    if (await syncGroups.isAlone()) return context.preferences.sent(changes);
    for (let at = 0; at < changes.length; at += changesPerMessage) {
      const some = changes.slice(at, at + changesPerMessage);
      const content = encodePreferences(some);
      // Said again after a crash it is the same message.
      const key = toHex(ports.crypto.hash("sha256", DeviceSyncContent.encode(content)));
      await syncGroups.send(content, key);
      await context.preferences.sent(some);
    }
  }

  /** Acts on what is here; asks the node for nothing but what that needs. */
  async function act(): Promise<void> {
    if (!options.enabled) return;
    await lock.run(async () => {
      for (const cell of await syncGroups.all()) await readSyncGroup(context, history, cell);
      await welcomeInstallations({ ...parts, syncGroups });
      await tell();
    });
  }

  async function syncAll(): Promise<SyncSummary> {
    await welcomes.sync();
    const cells = await syncGroups.all();
    let numSynced = 0;
    await eachLimited(cells, 4, async (cell) => {
      await engine.sync(cell);
      numSynced += 1;
    });
    return { numEligible: cells.length, numSynced };
  }

  /** XHS-01, XHS-06: a further installation of an inbox says that it is there, and asks once for what it missed. */
  async function begin(): Promise<void> {
    await syncAll();
    if (await syncGroups.isAlone()) return;
    if ((await syncGroups.all()).length === 0) await syncGroups.ready();
    const asked = keys.deviceSync("asked", "");
    if (options.serverUrl === undefined || (await ports.store.get(asked))) return;
    await history.request(options.serverUrl, {});
    await ports.store.write([{ kind: "put", key: asked, value: Uint8Array.of(1) }]);
  }

  async function run(pace: Pace): Promise<void> {
    const stop = context.bus.listen((event) => {
      const news =
        event.kind === "device-sync"
          ? event.what === "group-joined"
          : event.kind === "preferences"
            ? event.origin === "here"
            : event.kind === "message";
      if (!news) return;
      if (event.kind !== "message") return wake();
      void groups.find(event.groupId).then((cell) => {
        if (cell?.record.conversationType === "sync") wake();
      });
    });
    let begun = false;
    while (!context.signal.aborted) {
      kicked = false;
      try {
        if (!begun) await begin();
        begun = true;
        await act();
        await jobs.run();
      } catch (error) {
        ports.log.write("warn", "device-sync-failed", { error: String(error) });
      }
      await pause(pace());
    }
    stop();
  }

  function wake(): void {
    kicked = true;
    kick();
  }

  async function pause(ms: number): Promise<void> {
    if (context.signal.aborted) return;
    if (!kicked) {
      const early = new AbortController();
      kick = () => early.abort();
      await ports.timers.sleep(ms, AbortSignal.any([early.signal, context.signal]));
    }
    if (kicked) await ports.timers.sleep(settleMs, context.signal);
  }

  return {
    start() {
      if (options.enabled && options.pace) running ??= run(options.pace);
    },
    stopped: async () => running,
    async sync() {
      const summary = await syncAll();
      await act();
      // Nobody else would.
      if (options.enabled && !running) await jobs.run();
      return summary;
    },
    request: async (archive = {}, serverUrl) => history.request(serverFor(serverUrl), archive),
    sendArchive: async (pin, archive = {}, serverUrl) =>
      history.reply(pin, serverFor(serverUrl), archive),
    async processArchive(pin) {
      await syncAll();
      const found = await history.available(0n);
      const wanted = found.find(
        (archive) => pin === undefined || pin === null || archive.pin === pin,
      );
      if (!wanted) throw new ClientError("client/not-found", { rule: "XHS-07" });
      const summary = await history.take(wanted.reply);
      context.bus.emit([{ kind: "device-sync", what: "archive-imported", pin: wanted.pin }]);
      return summary;
    },
    async available(days) {
      const found = await history.available(ports.clock.nowNs() - BigInt(Math.ceil(days)) * dayNs);
      return found.map(({ pin, metadata, sentByInstallation }) => ({
        pin,
        metadata,
        sentByInstallation,
      }));
    },
  };
}
