import { silentLog } from "@coterie/base";
import type { Log as Logger } from "@coterie/base";
import type { Duplex } from "@coterie/transport";
import { encodeSlimName, formatSlimName } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import { ConfigurationCommand, ControlMessage } from "@coterie/wire/slim/controller";
import type { ConnectionDetails, RegisterNodeResponse, Route } from "@coterie/wire/slim/controller";
import { createApplier } from "./apply.ts";
import { connectionEntry, listAnswers } from "./lists.ts";
import type { ControlledPlane, PlaneLink } from "./port.ts";

export interface ControlClientParts {
  readonly plane: ControlledPlane;
  /** A new control channel: `transport.duplex(southboundPaths.openControlChannel)`. */
  readonly open: () => Duplex;
  readonly nodeId: string;
  readonly domain?: string | undefined;
  /** Where other nodes reach this one. */
  readonly details: readonly ConnectionDetails[];
  /** The domain's secret or a token, asked for at every registration. */
  readonly credentials?: (() => string | Promise<string>) | undefined;
  /** How long the controller may take to answer a registration; 10 s (SCT-01). */
  readonly registerMs?: number | undefined;
  /** Between two attempts; 2 s. */
  readonly retryMs?: number | undefined;
  readonly logger?: Logger | undefined;
}

export interface ControlClient {
  /** What the controller was last told and said. */
  readonly state: "connecting" | "registered" | "refused" | "closed";
  /** Takes leave of the controller and ends. The data plane keeps what it was told. */
  close(): Promise<void>;
}

/** A message of ours ends with the channel: nobody waits for it. */
type Payload = ControlMessage["payload"];

/** The names told in one command. */
const namesPerCommand = 200;

/**
 * Keeps a node registered with its controller: tells it what can be reached here, and does what it asks of the data plane. Comes back after
 * every loss; a refusal is the end (SCT-01).
 */
export function startControlClient(parts: ControlClientParts): ControlClient {
  const { plane } = parts;
  const logger = parts.logger ?? silentLog;
  const applier = createApplier(plane);
  let state: ControlClient["state"] = "connecting";
  let channel: Duplex | undefined;
  let wake: (() => void) | undefined;

  /** SCT-03: the last word about each name and each inbound link, kept while the controller is away. */
  const names = new Map<string, { readonly name: SlimName; readonly set: boolean }>();
  const received = new Map<string, PlaneLink>();
  let flushing = false;

  const send = async (payload: Payload): Promise<void> => {
    // SCT-02: a fresh id for every message
    await channel?.send(ControlMessage.encode({ messageId: crypto.randomUUID(), payload }));
  };
  const command = (value: Partial<ConfigurationCommand>): Promise<void> =>
    send({ kind: "configCommand", value: ConfigurationCommand.create(value) });

  const flush = async (): Promise<void> => {
    if (flushing) return;
    flushing = true;
    try {
      while (isRegistered() && (names.size > 0 || received.size > 0)) {
        const batch = [...names].slice(0, namesPerCommand);
        for (const [key] of batch) names.delete(key);
        const links = [...received.values()];
        received.clear();
        const routes = (set: boolean): Route[] =>
          batch
            .filter(([, entry]) => entry.set === set)
            .map(([, { name }]) => ({ name: encodeSlimName(name) }));
        await command({
          routesToSet: routes(true),
          routesToDelete: routes(false),
          connectionsReceived: links.map(connectionEntry),
        });
      }
    } catch {
      // the channel is gone; registering again tells everything anew
    } finally {
      flushing = false;
    }
  };

  const unwatch = plane.watch((event) => {
    if (event.kind === "name-added" || event.kind === "name-removed") {
      const { name } = event;
      names.set(formatSlimName(name), { name, set: event.kind === "name-added" });
    } else if (event.kind === "link-up" && inboundRemote(event.link)) {
      received.set(event.link.linkId ?? "", event.link);
    } else return;
    // what happens in one turn goes in one message
    queueMicrotask(() => void flush());
  });

  const register = async (incoming: AsyncIterator<Uint8Array>): Promise<RegisterNodeResponse> => {
    const messageId = crypto.randomUUID();
    const credentials = (await parts.credentials?.()) ?? "";
    await channel?.send(
      ControlMessage.encode({
        messageId,
        payload: {
          kind: "registerNodeRequest",
          value: {
            nodeId: parts.nodeId,
            connectionDetails: parts.details,
            domainName: parts.domain,
            connections: plane.links().map(connectionEntry),
            routes: applier.installed(),
            credentials,
          },
        },
      }),
    );
    for (;;) {
      const next = await incoming.next();
      if (next.done === true) throw new Error("the controller ended the channel");
      const { payload } = ControlMessage.decode(next.value);
      if (payload.kind === "registerNodeResponse") return payload.value;
    }
  };

  /** The state that the controller wants, and then all that is here. */
  const begin = async (answer: RegisterNodeResponse): Promise<void> => {
    await applier.apply("", {
      ...ConfigurationCommand.create({ reconcile: true }),
      connectionsToCreate: answer.connections,
      routesToSet: answer.routes,
    });
    for (const { name, links } of plane.names()) {
      if (!links.some(({ kind }) => kind === "local" || kind === "edge")) continue;
      names.set(formatSlimName(name), { name, set: true });
    }
    for (const link of plane.links()) {
      if (inboundRemote(link)) received.set(link.linkId ?? "", link);
    }
    state = "registered";
    logger.write("info", "control.registered", { nodeId: parts.nodeId });
    await flush();
  };

  const answer = async (message: ControlMessage): Promise<void> => {
    if (message.payload.kind === "configCommand") {
      const value = await applier.apply(message.messageId, message.payload.value);
      await send({ kind: "configCommandAck", value });
      return;
    }
    for (const payload of listAnswers(plane, message)) await send(payload);
  };

  /** One channel, from registration to its end. */
  const serve = async (): Promise<"again" | "refused"> => {
    channel = parts.open();
    const incoming = channel[Symbol.asyncIterator]();
    // a registration nobody answers ends the channel, and with it the wait
    const timer = setTimeout(() => channel?.cancel(), parts.registerMs ?? 10_000);
    let registered: RegisterNodeResponse;
    try {
      registered = await register(incoming);
    } finally {
      clearTimeout(timer);
    }
    if (!registered.success) return "refused";
    await begin(registered);
    for (;;) {
      const next = await incoming.next();
      if (next.done === true) return "again";
      await answer(ControlMessage.decode(next.value));
    }
  };

  const run = async (): Promise<void> => {
    while (!isClosed()) {
      try {
        if ((await serve()) === "refused") {
          logger.write("error", "control.refused", { nodeId: parts.nodeId });
          state = "refused";
          return;
        }
      } catch (error) {
        if (!isClosed()) logger.write("warn", "control.lost", { nodeId: parts.nodeId, error });
      }
      channel?.cancel();
      channel = undefined;
      if (isClosed()) return;
      state = "connecting";
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, parts.retryMs ?? 2_000);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };
  const isClosed = (): boolean => state === "closed";
  const isRegistered = (): boolean => state === "registered";
  const running = run();

  return {
    get state() {
      return state;
    },
    async close() {
      if (state === "registered") {
        const node = { id: parts.nodeId };
        await send({ kind: "deregisterNodeRequest", value: { node } }).catch(() => {});
      }
      state = "closed";
      unwatch();
      applier.close();
      wake?.();
      channel?.end();
      // a controller that never ends its side does not keep us
      const timer = setTimeout(() => channel?.cancel(), 1_000);
      await running;
      clearTimeout(timer);
    },
  };
}

const inboundRemote = (link: PlaneLink): boolean =>
  link.kind === "remote" && link.direction === "incoming" && link.linkId !== undefined;
