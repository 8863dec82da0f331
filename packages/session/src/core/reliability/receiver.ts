import type { Timers } from "../port.ts";
import { createDeadlines } from "./deadlines.ts";
import type { Deadline } from "./deadlines.ts";
import { dataIdAfter, dataIdDistance, isDataIdAfter, isDirectId, lastDataId } from "./ids.ts";
import { ringSize } from "./ring.ts";
import type { MemberKey } from "./sender.ts";

export interface ReceiverOptions {
  /** Absent: unreliable, and everything is delivered as it comes (SRL-18). */
  readonly timers: Timers | undefined;
  /** The last id delivered of each source, in a restored session. */
  readonly positions?: ReadonlyMap<MemberKey, number> | undefined;
}

/** What the receiver has done. Called while it works: do not call it back from here. */
export interface ReceiverSink<T> {
  /** MSG_ACK (SRL-03). */
  ack(source: MemberKey, id: number): void;
  /** RTX_REQUEST (SRL-11). */
  request(source: MemberKey, id: number): void;
  deliver(source: MemberKey, id: number, item: T): void;
  /** `count` messages from this id on, at this position (SRL-14). */
  lost(source: MemberKey, id: number, count: number): void;
}

/** What one member of a session receives: acknowledged, each once, in the order of its source. */
export interface Receiver<T> {
  readonly wakeAt: number | undefined;
  /** The last id of this source that was delivered, or told lost. */
  position(source: MemberKey): number | undefined;
  /** MSG, decrypted and checked; `size` in bytes. `stayed`: its source is known not to have left since its last one. */
  message(
    source: MemberKey,
    id: number,
    item: T,
    size: number,
    nowMs: number,
    stayed?: boolean,
  ): void;
  /**
   * A message of this id was sent that we cannot open, and should have heard. It is asked for once its source has had time to repeat it by itself.
   * Nothing vouches for it but whoever sent it: where it does not come it is forgotten, not lost (SRL-26).
   */
  unread(source: MemberKey, id: number, nowMs: number): void;
  /** RTX_REPLY; without an item, its source does not have it (SRL-13). */
  reply(source: MemberKey, id: number, item: T | undefined, size: number, nowMs: number): void;
  /** Delivers what waited behind gaps, with the gaps as lost, and begins anew with what this source sends later (SGR-27). */
  forget(source: MemberKey): void;
  /**
   * We missed what happened for a while. A source that left and came again meanwhile numbers from the beginning, which looks like what is
   * behind: the next message of each tells, or of the one that is named.
   */
  returned(source?: MemberKey): void;
  tick(nowMs: number): void;
}

const maxRequests = 32;
const maxEntries = 1024;
const maxBytes = 16 * 1024 * 1024;
/** Direct messages of one source that are known when they come again. */
const directMemory = 256;

type Entry<T> =
  | { readonly kind: "received"; readonly item: T; readonly size: number }
  | { readonly kind: "lost"; readonly count: number };

interface Request {
  readonly source: MemberKey;
  readonly id: number;
  retries: number;
}

type Requests = Map<number, Deadline<Request>>;

interface Source<T> {
  /** Undefined: no ordered message yet. */
  last: number | undefined;
  newest: number;
  /** Up to here each id after `last` is received, requested or lost. */
  asked: number;
  /** What waits behind a gap. */
  readonly entries: Map<number, Entry<T>>;
  bytes: number;
  readonly requests: Requests;
  /** SRL-26: what may be beyond the newest. */
  readonly unread: Requests;
  readonly direct: Set<number>;
  /** It may have left and come again since its last message. */
  unsure: boolean;
}

export function createReceiver<T>(options: ReceiverOptions, sink: ReceiverSink<T>): Receiver<T> {
  const { timers } = options;
  const sources = new Map<MemberKey, Source<T>>();
  const deadlines = createDeadlines<Request>();
  for (const [key, last] of options.positions ?? []) sources.set(key, sourceAt(last));

  /** SRL-10. */
  function insert(
    key: MemberKey,
    source: Source<T>,
    id: number,
    item: T,
    size: number,
    nowMs: number,
    { intervalMs }: Timers,
  ): void {
    cancel(source.unread, id);
    if (source.last === undefined) beginBeforeUnread(source, id);
    const { last, entries } = source;
    if (last === undefined || (entries.size === 0 && id === dataIdAfter(last))) {
      source.last = id;
      source.newest = id;
      source.asked = id;
      sink.deliver(key, id, item);
      return;
    }
    if (!isDataIdAfter(id, last)) return;
    if (dataIdDistance(last, id) <= dataIdDistance(last, source.asked)) {
      // decided already: awaited, or a duplicate, or given up
      if (!cancel(source.requests, id)) return;
    } else if (entries.has(id)) return;
    if (isDataIdAfter(id, source.newest)) skipTo(source, id);
    entries.set(id, { kind: "received", item, size });
    source.bytes += size;
    advance(key, source, nowMs, intervalMs);
    while (entries.size > maxEntries || source.bytes > maxBytes) {
      giveUpFirstGap(source);
      advance(key, source, nowMs, intervalMs);
    }
  }

  function resolve(key: MemberKey, id: number, entry: Entry<T>, nowMs: number): void {
    const source = sources.get(key);
    if (source === undefined || timers === undefined) return;
    if (!cancel(source.requests, id)) {
      if (!cancel(source.unread, id) || entry.kind === "lost") return;
      insert(key, source, id, entry.item, entry.size, nowMs, timers);
      return;
    }
    source.entries.set(id, entry);
    if (entry.kind === "received") source.bytes += entry.size;
    advance(key, source, nowMs, timers.intervalMs);
  }

  /** Delivers what is next in order and asks for what is missing. */
  function advance(key: MemberKey, source: Source<T>, nowMs: number, intervalMs: number): void {
    drain(key, source);
    forgetUnasked(source);
    drain(key, source);
    ask(key, source, nowMs, intervalMs);
  }

  function drain(key: MemberKey, source: Source<T>): void {
    const { entries } = source;
    for (;;) {
      const id = dataIdAfter(source.last ?? 0);
      const entry = entries.get(id);
      if (entry === undefined) break;
      entries.delete(id);
      if (entry.kind === "received") {
        source.last = id;
        source.bytes -= entry.size;
        sink.deliver(key, id, entry.item);
      } else {
        source.last = dataIdAfter(id, entry.count - 1);
        sink.lost(key, id, entry.count);
      }
    }
    const last = source.last ?? 0;
    if (isDataIdAfter(last, source.asked)) source.asked = last;
  }

  /** SRL-21: what nobody asked for in time has left its source's ring. */
  function forgetUnasked(source: Source<T>): void {
    while (dataIdDistance(source.asked, source.newest) > ringSize + 1) {
      source.asked = dataIdAfter(source.asked);
      if (!source.entries.has(source.asked)) {
        source.entries.set(source.asked, { kind: "lost", count: 1 });
      }
    }
  }

  /** Makes `id` the newest; of a long gap before it, all but the last ids are lost at once (SRL-21). */
  function skipTo(source: Source<T>, id: number): void {
    const lost = dataIdDistance(source.newest, id) - 1 - ringSize;
    if (lost > 0) {
      while (source.asked !== source.newest) {
        source.asked = dataIdAfter(source.asked);
        if (!source.entries.has(source.asked)) {
          source.entries.set(source.asked, { kind: "lost", count: 1 });
        }
      }
      source.entries.set(dataIdAfter(source.newest), { kind: "lost", count: lost });
      source.asked = dataIdAfter(source.newest, lost);
    }
    source.newest = id;
  }

  /** SRL-11. */
  function ask(key: MemberKey, source: Source<T>, nowMs: number, intervalMs: number): void {
    while (source.requests.size < maxRequests && source.asked !== source.newest) {
      source.asked = dataIdAfter(source.asked);
      if (source.entries.has(source.asked)) continue;
      cancel(source.unread, source.asked);
      const request = { source: key, id: source.asked, retries: timers?.maxRetries ?? 0 };
      awaitReply(source.requests, request, nowMs + intervalMs);
      sink.request(key, request.id);
    }
  }

  /** SRL-19. */
  function giveUpFirstGap(source: Source<T>): void {
    let id = dataIdAfter(source.last ?? 0);
    while (!source.entries.has(id)) {
      cancel(source.requests, id);
      source.entries.set(id, { kind: "lost", count: 1 });
      if (isDataIdAfter(id, source.asked)) source.asked = id;
      id = dataIdAfter(id);
    }
  }

  function awaitReply(requests: Requests, request: Request, until: number): void {
    requests.set(request.id, deadlines.add(request, until));
  }

  function cancel(requests: Requests, id: number): boolean {
    const deadline = requests.get(id);
    if (deadline === undefined) return false;
    deadlines.cancel(deadline);
    return requests.delete(id);
  }

  /** What comes first of a source sets its base (SRL-10), or what could not be read before it: then that is asked for like any gap. */
  function beginBeforeUnread(source: Source<T>, id: number): void {
    let first = id;
    for (const unread of source.unread.keys()) {
      const distance = dataIdDistance(unread, id);
      if (distance <= ringSize && distance > dataIdDistance(first, id)) first = unread;
    }
    if (first === id) return;
    source.last = dataIdAfter(first, lastDataId);
    source.newest = source.last;
    source.asked = source.last;
  }

  function sourceOf(key: MemberKey): Source<T> {
    let source = sources.get(key);
    if (source === undefined) {
      source = sourceAt(undefined);
      sources.set(key, source);
    }
    return source;
  }

  function forget(key: MemberKey): void {
    const source = sources.get(key);
    if (source === undefined) return;
    while (source.entries.size > 0) {
      giveUpFirstGap(source);
      drain(key, source);
    }
    for (const requests of [source.requests, source.unread]) {
      for (const deadline of requests.values()) deadlines.cancel(deadline);
    }
    sources.delete(key);
  }

  return {
    get wakeAt() {
      return deadlines.next;
    },
    position: (key) => sources.get(key)?.last,
    message(key, id, item, size, nowMs, stayed = false) {
      if (timers === undefined) {
        sink.deliver(key, id, item);
        return;
      }
      // SRL-03: duplicates too, their first acknowledgement may be lost
      sink.ack(key, id);
      const known = sourceOf(key);
      if (isDirectId(id)) {
        if (remember(known.direct, id)) sink.deliver(key, id, item);
        return;
      }
      // SRL-22
      if (known.unsure && !stayed && !isDataIdAfter(id, known.last ?? id)) forget(key);
      const source = sourceOf(key);
      source.unsure = false;
      insert(key, source, id, item, size, nowMs, timers);
    },
    unread(key, id, nowMs) {
      if (timers === undefined || isDirectId(id)) return;
      const source = sourceOf(key);
      const { last, asked, newest, entries, unread } = source;
      if (unread.has(id) || unread.size >= maxRequests || entries.has(id)) return;
      // behind, awaited already, or further on than anything that its source still has
      if (
        last !== undefined &&
        (!isDataIdAfter(id, asked) || dataIdDistance(newest, id) > ringSize)
      )
        return;
      // the first wait is its source's to repeat it
      const request = { source: key, id, retries: timers.maxRetries + 1 };
      awaitReply(unread, request, nowMs + timers.intervalMs);
    },
    reply(key, id, item, size, nowMs) {
      const entry: Entry<T> =
        item === undefined ? { kind: "lost", count: 1 } : { kind: "received", item, size };
      resolve(key, id, entry, nowMs);
    },
    forget,
    returned(key) {
      const some = key === undefined ? sources.values() : [sources.get(key)];
      for (const source of some) if (source !== undefined) source.unsure = true;
    },
    tick(nowMs) {
      if (timers === undefined) return;
      for (let due = deadlines.takeDue(nowMs); due !== undefined; due = deadlines.takeDue(nowMs)) {
        if (due.retries === 0) {
          // SRL-15
          resolve(due.source, due.id, { kind: "lost", count: 1 }, nowMs);
          continue;
        }
        due.retries -= 1;
        const source = sourceOf(due.source);
        const requests = source.unread.has(due.id) ? source.unread : source.requests;
        awaitReply(requests, due, nowMs + timers.intervalMs);
        sink.request(due.source, due.id);
      }
    },
  };
}

function sourceAt<T>(last: number | undefined): Source<T> {
  return {
    last,
    newest: last ?? 0,
    asked: last ?? 0,
    entries: new Map(),
    bytes: 0,
    requests: new Map(),
    unread: new Map(),
    direct: new Set(),
    unsure: false,
  };
}

/** False where it was known already. */
function remember(known: Set<number>, id: number): boolean {
  if (known.has(id)) return false;
  if (known.size >= directMemory) known.delete(known.values().next().value as number);
  known.add(id);
  return true;
}
