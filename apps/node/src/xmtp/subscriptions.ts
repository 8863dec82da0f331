import { toHex } from "@coterie/base";
import { NodeError } from "../errors.ts";
import type { Page } from "../log/log.ts";

export interface Filter {
  readonly topic: Uint8Array;
  /** The last id that the subscriber has; 0 for none. */
  readonly after: bigint;
}

export interface Feed<Entry> {
  readonly topicOf: (entry: Entry) => Uint8Array;
  readonly encode: (entry: Entry) => Uint8Array;
  /** Entries of a topic after an id, ascending. */
  readonly read: (topic: Uint8Array, after: bigint) => Promise<Page<Entry>>;
  readonly queueMessages: number;
  readonly queueBytes: number;
}

/** Hands what becomes durable to those who asked for its topic. */
export interface Hub<Entry> {
  /** Entries that just became durable, in id order per topic. */
  publish(entries: readonly Entry[]): void;
  /** Ends when the signal aborts. Throws `node/slow-reader`, or `node/closed` when the hub closes. */
  subscribe(filters: readonly Filter[], signal: AbortSignal): AsyncIterable<Uint8Array>;
  close(): void;
  readonly subscribers: number;
}

interface Subscriber {
  /** Per topic: its bytes, and the last id sent or queued. Never goes back (XND-38). */
  readonly topics: Map<string, { readonly bytes: Uint8Array; cursor: bigint }>;
  /** Topics that the log may have more of than was sent; while this is used, nothing is queued. */
  readonly behind: Set<string>;
  live: boolean;
  queue: Uint8Array[];
  queuedBytes: number;
  ended: NodeError | "by-reader" | undefined;
  wake: () => void;
}

/** Reads from the log between two turns of the event loop, so that a reader with many topics does not stop the others. */
const readsPerTurn = 32;

export function createHub<Entry extends { readonly id: bigint }>(feed: Feed<Entry>): Hub<Entry> {
  const byTopic = new Map<string, Set<Subscriber>>();
  const all = new Set<Subscriber>();
  let closed = false;

  const end = (subscriber: Subscriber, why: NodeError | "by-reader"): void => {
    subscriber.ended ??= why;
    subscriber.queue = [];
    subscriber.queuedBytes = 0;
    for (const name of subscriber.topics.keys()) {
      const others = byTopic.get(name);
      others?.delete(subscriber);
      if (others?.size === 0) byTopic.delete(name);
    }
    all.delete(subscriber);
    subscriber.wake();
  };

  const offer = (to: Subscriber, name: string, id: bigint, bytes: () => Uint8Array): void => {
    if (!to.live) {
      to.behind.add(name);
      return;
    }
    const topic = to.topics.get(name);
    if (topic === undefined || id <= topic.cursor) return;
    topic.cursor = id;
    to.queue.push(bytes());
    to.queuedBytes += bytes().length;
    // XND-39: the reader comes back with its cursors; the log, not memory, waits for it
    if (to.queue.length > feed.queueMessages || to.queuedBytes > feed.queueBytes) {
      end(to, new NodeError("node/slow-reader"));
    } else {
      to.wake();
    }
  };

  const register = (filters: readonly Filter[]): Subscriber => {
    const subscriber: Subscriber = {
      topics: new Map(),
      behind: new Set(),
      live: false,
      queue: [],
      queuedBytes: 0,
      ended: undefined,
      wake: () => {},
    };
    for (const { topic, after } of filters) {
      const name = toHex(topic);
      const known = subscriber.topics.get(name);
      if (known === undefined) {
        subscriber.topics.set(name, { bytes: topic, cursor: after });
      } else if (after < known.cursor) {
        known.cursor = after;
      }
      subscriber.behind.add(name);
      const others = byTopic.get(name);
      if (others === undefined) byTopic.set(name, new Set([subscriber]));
      else others.add(subscriber);
    }
    all.add(subscriber);
    return subscriber;
  };

  /** XND-38: live events are noted from the start, history is read until nothing new was noted meanwhile. */
  async function* catchUp(subscriber: Subscriber): AsyncGenerator<Uint8Array> {
    let reads = 0;
    for (const name of subscriber.behind) {
      if (subscriber.ended !== undefined) return;
      const topic = subscriber.topics.get(name);
      subscriber.behind.delete(name);
      if (topic === undefined) continue;
      const page = await feed.read(topic.bytes, topic.cursor);
      // a Set's loop comes to what is added while it runs
      if (page.full) subscriber.behind.add(name);
      for (const entry of page.entries) {
        if (subscriber.ended !== undefined) return;
        topic.cursor = entry.id;
        yield feed.encode(entry);
      }
      if (++reads % readsPerTurn === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async function* stream(
    filters: readonly Filter[],
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    if (closed) throw closing();
    const subscriber = register(filters);
    const leave = (): void => end(subscriber, "by-reader");
    signal.addEventListener("abort", leave);
    if (signal.aborted) leave();
    try {
      while (subscriber.behind.size > 0 && subscriber.ended === undefined) {
        yield* catchUp(subscriber);
      }
      // no await since `behind` was seen empty: from here on every event is queued
      subscriber.live = true;
      while (subscriber.ended === undefined) {
        const queue = subscriber.queue;
        subscriber.queue = [];
        for (const bytes of queue) {
          subscriber.queuedBytes -= bytes.length;
          yield bytes;
          if (subscriber.ended !== undefined) break;
        }
        if (subscriber.ended === undefined && subscriber.queue.length === 0) {
          await new Promise<void>((resolve) => (subscriber.wake = resolve));
        }
      }
      if (subscriber.ended !== "by-reader") throw subscriber.ended;
    } finally {
      signal.removeEventListener("abort", leave);
      leave();
    }
  }

  return {
    publish(entries) {
      if (byTopic.size === 0) return;
      for (const entry of entries) {
        const name = toHex(feed.topicOf(entry));
        const subscribers = byTopic.get(name);
        if (subscribers === undefined) continue;
        let encoded: Uint8Array | undefined;
        const bytes = (): Uint8Array => (encoded ??= feed.encode(entry));
        for (const subscriber of subscribers) offer(subscriber, name, entry.id, bytes);
      }
    },
    subscribe: stream,
    close() {
      closed = true;
      for (const subscriber of all) end(subscriber, closing());
    },
    get subscribers() {
      return all.size;
    },
  };
}

function closing(): NodeError {
  return new NodeError("node/closed");
}
