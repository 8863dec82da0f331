import type { Log as Logger } from "@coterie/base";
import { encodeSlimName, parseSlimName } from "@coterie/wire/slim";
import type {
  ConfigurationCommand,
  ConfigurationCommandAck,
  Connection,
  Route,
} from "@coterie/wire/slim/controller";
import { configWithId } from "./links.ts";
import type { LinkRecord, RouteRecord } from "./model.ts";
import type { NodeChannel } from "./node-channel.ts";

/** What a reconciler reads and writes of the whole. */
export interface ReconcilerHost {
  /** Links that the node dials, those to be deleted included. */
  linksFrom(node: string): readonly LinkRecord[];
  /** Routes of the node whose link stands or is dialled by it, and those to be deleted; all, or those that are not settled. */
  routesOf(node: string, all: boolean): readonly RouteRecord[];
  /** What came of one; `gone`: deleted for good. */
  linkDone(link: LinkRecord, outcome: Outcome): void;
  routeDone(route: RouteRecord, outcome: Outcome): void;
}

export type Outcome =
  | { readonly kind: "applied" }
  | { readonly kind: "gone" }
  | { readonly kind: "failed"; readonly message: string };

export interface ReconcilerParts {
  readonly host: ReconcilerHost;
  readonly channel: NodeChannel;
  /** Waits after a failure double from the first to the second, in milliseconds, with jitter. */
  readonly backoff: readonly [firstMs: number, lastMs: number];
  /** Draws from [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
}

export interface Reconciler {
  /** Something changed. `whole`: the node may not have what it once had. */
  kick(whole?: boolean): void;
  close(): void;
}

/** Beyond these a list would outgrow one message, and goes in parts that cannot say "and nothing else". */
export const listedAtOnce = 15_000;

/** Brings one node to what the records say, one command at a time, and again after failures (SCT-07). */
export function createReconciler(parts: ReconcilerParts): Reconciler {
  const { host, channel, logger } = parts;
  const [firstMs, lastMs] = parts.backoff;
  let dirty = false;
  let whole = true;
  let running = false;
  let closed = false;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;

  const once = async (): Promise<boolean> => {
    const links = host.linksFrom(channel.nodeId);
    const routes = host.routesOf(channel.nodeId, whole);
    const complete = whole && routes.length <= listedAtOnce;
    const all = whole;
    whole = false;
    const changed = ({ status }: { readonly status: string }): boolean =>
      status === "pending" || status === "failed";
    const standing = ({ status }: { readonly status: string }): boolean => status !== "deleted";
    const setLinks = links.filter(all ? standing : changed);
    const setRoutes = routes.filter(all ? standing : changed);
    const goneLinks = links.filter((link) => !standing(link));
    const goneRoutes = routes.filter((route) => !standing(route));
    if (complete) {
      const ack = await channel.command({
        reconcile: true,
        connectionsToCreate: setLinks.map(toConnection),
        routesToSet: setRoutes.map(toRoute),
      });
      for (const link of goneLinks) host.linkDone(link, { kind: "gone" });
      for (const route of goneRoutes) host.routeDone(route, { kind: "gone" });
      return settle(ack, setLinks, setRoutes);
    }
    let fine = true;
    const commands: [
      Partial<ConfigurationCommand>,
      readonly LinkRecord[],
      readonly RouteRecord[],
    ][] = [];
    if (setLinks.length + goneLinks.length > 0) {
      commands.push([
        {
          connectionsToCreate: setLinks.map(toConnection),
          connectionsToDelete: goneLinks.map(({ linkId }) => linkId),
        },
        setLinks,
        [],
      ]);
    }
    for (let at = 0; at < setRoutes.length; at += listedAtOnce) {
      const part = setRoutes.slice(at, at + listedAtOnce);
      commands.push([{ routesToSet: part.map(toRoute) }, [], part]);
    }
    for (let at = 0; at < goneRoutes.length; at += listedAtOnce) {
      const part = goneRoutes.slice(at, at + listedAtOnce);
      commands.push([{ routesToDelete: part.map(toRoute) }, [], []]);
    }
    for (const [command, ofLinks, ofRoutes] of commands) {
      const ack = await channel.command(command);
      fine = settle(ack, ofLinks, ofRoutes) && fine;
    }
    // what was not there to be deleted is as gone as it can be
    for (const link of goneLinks) host.linkDone(link, { kind: "gone" });
    for (const route of goneRoutes) host.routeDone(route, { kind: "gone" });
    return fine;
  };

  /** Statuses by item; an item without one is not done. */
  const settle = (
    ack: ConfigurationCommandAck,
    links: readonly LinkRecord[],
    routes: readonly RouteRecord[],
  ): boolean => {
    const ofLinks = new Map(ack.connectionsStatus.map((status) => [status.linkId, status]));
    const ofRoutes = new Map(
      ack.routesStatus.map((status) => [routeKey(status.route), status] as const),
    );
    let fine = true;
    const outcome = (
      status: { readonly success: boolean; readonly errorMsg: string } | undefined,
    ): Outcome => {
      if (status?.success === true) return { kind: "applied" };
      fine = false;
      return { kind: "failed", message: status?.errorMsg ?? "the node did not say" };
    };
    for (const link of links) host.linkDone(link, outcome(ofLinks.get(link.linkId)));
    for (const route of routes) {
      host.routeDone(route, outcome(ofRoutes.get(routeKey(toRoute(route)))));
    }
    return fine;
  };

  const run = async (): Promise<void> => {
    running = true;
    try {
      while (wanted()) {
        dirty = false;
        if (await once()) failures = 0;
        else throw new Error("some of it failed");
      }
    } catch (error) {
      // SCT-07: again later, with all of it
      whole = true;
      const waitMs = Math.min(lastMs, firstMs * 2 ** failures) * (0.5 + parts.random() / 2);
      failures = Math.min(failures + 1, 20);
      const words = error instanceof Error ? error.message : String(error);
      logger.write("warn", "controller.retries", { node: channel.nodeId, waitMs, error: words });
      clearTimeout(timer);
      timer = setTimeout(() => kick(), waitMs);
      timer.unref();
    } finally {
      running = false;
    }
  };
  const wanted = (): boolean => dirty && !closed;

  const kick = (all = false): void => {
    if (closed) return;
    dirty = true;
    whole ||= all;
    if (!running) void run();
  };

  return {
    kick,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

export const toConnection = ({ linkId, config }: LinkRecord): Connection => ({
  linkId,
  configData: configWithId(config, linkId),
});

export const toRoute = ({ name, linkId }: RouteRecord): Route => ({
  name: encodeSlimName(parseSlimName(name)),
  linkId,
});

function routeKey(route: Route | undefined): string {
  const name = route?.name?.name;
  const id = name?.nameId;
  return [
    name?.component0,
    name?.component1,
    name?.component2,
    id?.id0,
    id?.id1,
    route?.linkId ?? "",
  ].join(" ");
}
