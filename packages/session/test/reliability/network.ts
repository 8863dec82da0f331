import { createReceiver } from "../../src/core/reliability/receiver.ts";
import type { Receiver } from "../../src/core/reliability/receiver.ts";
import { createSender } from "../../src/core/reliability/sender.ts";
import type { MemberKey, Sender, Settled } from "../../src/core/reliability/sender.ts";
import type { Payload, Timers } from "../../src/core/port.ts";

/** What a network does to one packet: `copies` of it arrive, each after a delay of its own. */
export interface Fate {
  readonly delaysMs: readonly number[];
}

export interface Packet {
  readonly kind: "message" | "ack" | "request" | "reply";
  readonly from: MemberKey;
  readonly to: MemberKey;
  readonly id: number;
  readonly content?: Payload | undefined;
}

export type Event =
  | { readonly kind: "message"; readonly id: number; readonly text: string }
  | { readonly kind: "lost"; readonly id: number; readonly count: number };

export interface Node {
  readonly sender: Sender;
  readonly receiver: Receiver<Payload>;
  readonly settled: Map<number, Settled>;
  readonly silent: MemberKey[];
  /** By source. */
  readonly events: Map<MemberKey, Event[]>;
}

export function text(value: string): Payload {
  return {
    payloadType: "msg",
    payload: new TextEncoder().encode(value),
    metadata: new Map(),
  };
}

/** Members that send to each other through a network on a clock of its own. */
export function createNetwork(
  keys: readonly MemberKey[],
  timers: Timers | undefined,
  fateOf: (packet: Packet) => Fate,
  nextId = 1,
): {
  readonly nodes: ReadonlyMap<MemberKey, Node>;
  readonly nowMs: number;
  readonly packets: number;
  /** Lets time pass until nothing is under way or due, or until then. */
  run(untilMs: number): void;
} {
  let nowMs = 0;
  let packets = 0;
  let word = 1;
  const underWay: { readonly at: number; readonly packet: Packet }[] = [];
  const nodes = new Map<MemberKey, Node>();

  function post(packet: Packet): void {
    packets += 1;
    for (const delay of fateOf(packet).delaysMs) underWay.push({ at: nowMs + delay, packet });
  }

  for (const key of keys) {
    const settled = new Map<number, Settled>();
    const silent: MemberKey[] = [];
    const events = new Map<MemberKey, Event[]>();
    const note = (source: MemberKey, event: Event): void => {
      const list = events.get(source) ?? [];
      list.push(event);
      events.set(source, list);
    };
    const sender = createSender(
      { timers, nextId, randomWord: () => word++, serveSinceJoin: true },
      {
        message(id, content, to) {
          for (const other of to === undefined ? keys.filter((one) => one !== key) : [to]) {
            post({ kind: "message", from: key, to: other, id, content });
          }
        },
        reply: (id, content, to) => post({ kind: "reply", from: key, to, id, content }),
        settled(handle, result) {
          if (settled.has(handle)) throw new Error(`${handle} settled twice`);
          settled.set(handle, result);
        },
        silent: (member) => silent.push(member),
      },
    );
    const receiver = createReceiver<Payload>(
      { timers },
      {
        ack: (source, id) => post({ kind: "ack", from: key, to: source, id }),
        request: (source, id) => post({ kind: "request", from: key, to: source, id }),
        deliver: (source, id, item) =>
          note(source, { kind: "message", id, text: new TextDecoder().decode(item.payload) }),
        lost: (source, id, count) => note(source, { kind: "lost", id, count }),
      },
    );
    nodes.set(key, { sender, receiver, settled, silent, events });
  }

  function arrive({ kind, from, to, id, content }: Packet): void {
    const { sender, receiver } = nodes.get(to) as Node;
    const size = content?.payload.length ?? 0;
    if (kind === "ack") sender.acknowledged(from, id, nowMs);
    else if (kind === "request") sender.requested(from, id, nowMs);
    else if (kind === "reply") receiver.reply(from, id, content, size, nowMs);
    else receiver.message(from, id, content as Payload, size, nowMs);
  }

  return {
    nodes,
    get nowMs() {
      return nowMs;
    },
    get packets() {
      return packets;
    },
    run(untilMs) {
      for (;;) {
        let soonest = Infinity;
        for (const { at } of underWay) soonest = Math.min(soonest, at);
        for (const { sender, receiver } of nodes.values()) {
          soonest = Math.min(soonest, sender.wakeAt ?? Infinity, receiver.wakeAt ?? Infinity);
        }
        if (soonest > untilMs || soonest === Infinity) break;
        nowMs = Math.max(nowMs, soonest);
        const due = underWay.filter(({ at }) => at <= nowMs);
        for (const one of due) underWay.splice(underWay.indexOf(one), 1);
        for (const { packet } of due) arrive(packet);
        for (const { sender, receiver } of nodes.values()) {
          sender.tick(nowMs);
          receiver.tick(nowMs);
        }
      }
      nowMs = untilMs === Infinity ? nowMs : Math.max(nowMs, untilMs);
    },
  };
}
