import { silentLog, systemRandom } from "@coterie/base";
import type { Log, Random } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { Status, TransportError } from "@coterie/transport";
import type { Transport } from "@coterie/transport";
import { encodeSlimName, Message, sameSlimName, slimPaths } from "@coterie/wire/slim";
import type { Publish, SlimName } from "@coterie/wire/slim";
import { dialLink, maxMessageBytes, randomUuid } from "./dial.ts";
import type { DialledLink } from "./dial.ts";
import { DataPlaneError } from "./errors.ts";
import { createMessageQueue } from "./message-queue.ts";
import type { QueueLimits } from "./message-queue.ts";
import type { Negotiated } from "./negotiation.ts";
import { pause, within } from "./within.ts";

export interface AppConnectionOptions {
  readonly crypto: CryptoProvider;
  /** Where the node is. It is not closed with the connection. */
  readonly transport: Pick<Transport, "duplex">;
  /** One for the process where it is absent (SCN-27). */
  readonly nodeId?: string | undefined;
  readonly version?: string | undefined;
  readonly linkId?: string | undefined;
  readonly hybrid?: boolean | undefined;
  /** The token that goes with subscriptions; nodes do not look at it (SCN-31). */
  readonly identity?: (() => string) | undefined;
  /** What was published to a name of ours. A promise asks to wait with the next. */
  readonly onPublish: (
    publish: Publish,
    metadata: ReadonlyMap<string, string>,
  ) => Promise<unknown> | undefined | void;
  readonly onState?: ((state: AppConnectionState) => void) | undefined;
  readonly onDrop?: ((reason: "malformed" | "mac" | "unexpected") => void) | undefined;
  /** Milliseconds: between attempts to connect (2,000), for the negotiation (5,000), for the answer to a subscription (10,000), for the node to hang up at the end (1,000). */
  readonly timers?: Partial<AppConnectionTimers> | undefined;
  /** What may wait to be sent. 4,096 messages, 8 MiB, and 10 s for a `publish` that waits for room (SCN-05). */
  readonly limits?: Partial<QueueLimits> | undefined;
  readonly random?: Random | undefined;
  readonly log?: Log | undefined;
}

export interface AppConnectionTimers {
  readonly reconnectMs: number;
  readonly negotiationMs: number;
  readonly acknowledgementMs: number;
  readonly farewellMs: number;
}

export type AppConnectionState =
  | { readonly kind: "connecting" }
  /** The link stands and the node knows all our names again. */
  | { readonly kind: "connected"; readonly peer: Negotiated["peer"] }
  /** Lost, or never reached: the next attempt comes by itself. */
  | { readonly kind: "waiting"; readonly error: unknown }
  /** With an error: the node refused us for good (SCN-11). */
  | { readonly kind: "closed"; readonly error: unknown };

/** An app's connection to its node, across as many links as it takes. */
export interface AppConnection {
  readonly linkId: string;
  readonly state: AppConnectionState;
  /** Settles with the first link; rejects where the connection closed before. */
  readonly connected: Promise<void>;
  /** Holds the name until it is taken back, also across links (SCN-12). Rejects after 10 s, or with what the node said. */
  subscribe(name: SlimName, source: SlimName): Promise<void>;
  /** Takes the latest of equal subscriptions back (SCN-33). */
  unsubscribe(name: SlimName, source: SlimName): Promise<void>;
  /**
   * Puts a message in line: undefined where there is room for more, or a promise that resolves once there is. Rejects with `dataplane/too-large`, `dataplane/closed`, or
   * `dataplane/stalled` where nothing moves; a message that stalled may still go.
   */
  publish(publish: Publish, metadata?: ReadonlyMap<string, string>): Promise<void> | undefined;
  /** Sends what is in line for as long as the node takes it, ends our direction, waits a second for the node to hang up, and is over (SCN-36). */
  close(): Promise<void>;
}

const defaultTimers: AppConnectionTimers = {
  reconnectMs: 2_000,
  negotiationMs: 5_000,
  acknowledgementMs: 10_000,
  farewellMs: 1_000,
};
const defaultLimits: QueueLimits = {
  messages: 4_096,
  bytes: 8 * 1024 * 1024,
  stalledMs: 10_000,
};
const noMetadata: ReadonlyMap<string, string> = new Map();

interface Held {
  readonly id: bigint;
  readonly name: SlimName;
  readonly source: SlimName;
  /** Of the caller who waits to hear that the node knows it. */
  waiting: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;
}

/** SCN-27: the same for all connections of a process. */
let processNodeId: string | undefined;

/** Connects an app, and again every 2 seconds when the link is lost (SCN-11). */
export function connectApp(options: AppConnectionOptions): AppConnection {
  const { random = systemRandom, log = silentLog, version = "2.2.0+ts.1" } = options;
  const linkId = options.linkId ?? randomUuid(random);
  const nodeId = options.nodeId ?? (processNodeId ??= `node-${randomUuid(random)}`);
  const timers = { ...defaultTimers, ...options.timers };
  const limits = { ...defaultLimits, ...options.limits };
  // full is not the end here: the node may be away
  const outgoing = createMessageQueue(
    { ...limits, stalledMs: Number.POSITIVE_INFINITY },
    () => new DataPlaneError("dataplane/stalled"),
  );
  const held = new Map<bigint, Held>();
  const leaving = new AbortController();
  let isClosing = false;
  let nextId = new DataView(random.bytes(8).buffer).getBigUint64(0);
  let state: AppConnectionState = { kind: "connecting" };
  let link: DialledLink | undefined;
  let announce: { resolve: () => void; reject: (error: unknown) => void };
  const connected = new Promise<void>((resolve, reject) => (announce = { resolve, reject }));
  connected.catch(() => {});

  const enter = (next: AppConnectionState): void => {
    state = next;
    if (next.kind === "connected") announce.resolve();
    log.write("debug", `slim.${next.kind}`, { linkId });
    options.onState?.(next);
  };

  const ask = (to: DialledLink, kind: "subscribe" | "unsubscribe", one: Held): Promise<void> => {
    const header = {
      source: encodeSlimName(one.source),
      destination: encodeSlimName(one.name),
      identity: options.identity?.() ?? "",
      fanout: 1,
      version,
      ttl: 8,
    };
    const value = { header, subscriptionId: one.id };
    const bytes = Message.encode({ metadata: noMetadata, messageType: { kind, value } });
    return to.ask(bytes, one.id, timers.acknowledgementMs);
  };

  /** Tells the node of a name we hold; throws where the link is not to be used. */
  const register = async (to: DialledLink, one: Held): Promise<void> => {
    try {
      await ask(to, "subscribe", one);
      one.waiting?.resolve();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (one.waiting === undefined) log.write("warn", "slim.subscription-refused", { error });
      one.waiting?.reject(error);
    }
  };

  const open = async (): Promise<DialledLink> => {
    const opened = await dialLink({
      crypto: options.crypto,
      duplex: options.transport.duplex(slimPaths.openChannel, { signal: leaving.signal }),
      connectionType: "edge",
      linkId, // SCN-11: the same on every link
      nodeId,
      version,
      timeoutMs: timers.negotiationMs,
      hybrid: options.hybrid,
      random,
      log,
      onDrop: options.onDrop,
      onMessage({ messageType, metadata }) {
        if (messageType.kind === "publish") return options.onPublish(messageType.value, metadata);
        return options.onDrop?.("unexpected");
      },
    });
    link = opened;
    // SCN-12: under the ids they had, and only what the node has acknowledged counts
    await Promise.all([...held.values()].map((one) => register(opened, one)));
    return opened;
  };

  /** Sends what is in line until the link ends or we do. */
  const pump = async (to: DialledLink): Promise<void> => {
    let over = false;
    let wake = (): void => {};
    void to.closed.then(() => {
      over = true;
      wake();
    });
    for (;;) {
      if (over) return;
      const message = outgoing.take();
      if (message !== undefined) await to.send(message);
      else if (isClosing) return;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
          void outgoing.ready().then(resolve);
        });
      }
    }
  };

  /** Settles when a link that stood has ended; throws where none came to stand. */
  const live = async (): Promise<unknown> => {
    enter({ kind: "connecting" });
    try {
      const opened = await open();
      enter({ kind: "connected", peer: opened.peer });
      // what sending failed of, the end of the link tells
      await pump(opened).catch(() => opened.cancel());
      if (!isClosing) return await opened.closed;
      opened.end();
      await within(timers.farewellMs, opened.closed);
      return undefined;
    } finally {
      link?.cancel();
      link = undefined;
    }
  };

  const run = async (): Promise<unknown> => {
    for (;;) {
      const error = await live().catch((reason: unknown) => reason);
      if (isClosing) return undefined;
      // SCN-11
      if (error instanceof TransportError && error.status === Status.permissionDenied) return error;
      enter({ kind: "waiting", error });
      await pause(timers.reconnectMs, leaving.signal);
      if (isClosing) return undefined;
    }
  };
  const ended = run().then((error) => {
    isClosing = true;
    outgoing.close();
    const reason = error ?? closedError();
    announce.reject(reason);
    for (const one of held.values()) one.waiting?.reject(reason);
    held.clear();
    enter({ kind: "closed", error });
  });

  /** Waits for the end for as long as something of what is in line goes out now and then. */
  const sent = async (): Promise<void> => {
    for (let before = -1; before !== outgoing.length;) {
      before = outgoing.length;
      const isOver = await within(limits.stalledMs, ended).then(
        () => true,
        () => false,
      );
      if (isOver) return;
    }
    leaving.abort();
  };

  return {
    linkId,
    get state() {
      return state;
    },
    connected,
    async subscribe(name, source) {
      if (isClosing) throw closedError();
      const id = nextId === 0n ? 1n : nextId; // SCN-32: an id of 0 asks for no answer
      nextId = BigInt.asUintN(64, id + 1n);
      const one: Held = { id, name, source, waiting: undefined };
      const answer = new Promise<void>((resolve, reject) => {
        one.waiting = { resolve, reject };
      });
      held.set(id, one);
      const to = link;
      // where the link is lost meanwhile, the next one tells
      if (to !== undefined) register(to, one).catch(() => {});
      try {
        await within(timers.acknowledgementMs, answer);
      } catch (error) {
        held.delete(id);
        throw error;
      } finally {
        one.waiting = undefined;
      }
    },
    async unsubscribe(name, source) {
      const one = [...held.values()].findLast(
        (known) => sameSlimName(known.name, name) && sameSlimName(known.source, source),
      );
      if (one === undefined) throw new DataPlaneError("dataplane/bad-argument", { what: "name" });
      held.delete(one.id);
      one.waiting?.reject(closedError());
      if (link === undefined) return; // the node forgot it with the link (SCN-35)
      await ask(link, "unsubscribe", one).catch((error: unknown) => {
        if (!isClosed(error)) throw error;
      });
    },
    publish(publish, metadata = noMetadata) {
      if (isClosing) return Promise.reject(closedError());
      const bytes = Message.encode({ metadata, messageType: { kind: "publish", value: publish } });
      if (bytes.length > maxMessageBytes - macFieldBytes) {
        const details = { rule: "SCN-03", size: bytes.length, limit: maxMessageBytes };
        return Promise.reject(new DataPlaneError("dataplane/too-large", details));
      }
      // nobody who ignores what `put` answers can fill the memory
      if (outgoing.length >= 2 * limits.messages) {
        return Promise.reject(new DataPlaneError("dataplane/stalled"));
      }
      const room = outgoing.put(bytes);
      if (room === undefined) return undefined;
      return within(limits.stalledMs, room, () => new DataPlaneError("dataplane/stalled"));
    },
    async close() {
      if (!isClosing) {
        isClosing = true;
        outgoing.close();
        if (state.kind !== "connected") leaving.abort();
      }
      await sent();
      await ended;
    },
  };
}

/** What a stamp adds to a header at most. */
const macFieldBytes = 64;

function closedError(): DataPlaneError {
  return new DataPlaneError("dataplane/closed");
}

function isRefusal(error: unknown): boolean {
  return codeOf(error) === "dataplane/subscription-refused";
}

function isClosed(error: unknown): boolean {
  return error instanceof TransportError || codeOf(error) === "dataplane/closed";
}

function codeOf(error: unknown): unknown {
  return error instanceof DataPlaneError ? error.code : undefined;
}
