import { systemRandom, toHex } from "@coterie/base";
import { ClientError } from "../errors.ts";
import type { Desk } from "./desk.ts";
import type { Answer, Call, OwnFacts, StreamEvent, TabMessage, Target } from "./protocol.ts";
import { isRepeatable, withIdempotencyKey } from "./repeatable.ts";
import { toTabError } from "./values.ts";

/** What all tabs of one name hear: a BroadcastChannel. */
export interface TabChannel {
  /** Throws for what cannot be cloned. */
  send(message: TabMessage): void;
  /** Called once; nothing that comes before is heard. */
  listen(listener: (message: TabMessage) => void): void;
  close(): void;
}

/** Who listens to one stream. */
interface StreamListener {
  event(event: StreamEvent): void;
  /** The leader changed and the stream was opened again: what came in between is the listener's to look for. */
  reopened(): void;
}

interface Pending {
  readonly call: Call;
  readonly listener: StreamListener | undefined;
  readonly resolve: (answer: Answer) => void;
  /** The leader that it was put to. */
  sentTo: string | undefined;
}

interface OpenStream {
  readonly call: Call;
  readonly listener: StreamListener;
}

/** Brings calls of this tab to the leader, wherever that is, and calls of other tabs to this one while it leads. */
export interface Switchboard {
  readonly tab: string;
  call(target: Target, method: string, args: readonly unknown[]): Promise<Answer>;
  stream(
    call: Omit<Call, "id">,
    listener: StreamListener,
  ): Promise<{ answer: Answer; end(): void }>;
  /** This tab leads from now on. */
  lead(desk: Desk, own: OwnFacts): void;
  /** Fails what waits: there is no leader and this tab could not become one. */
  failWaiting(error: unknown): void;
  close(): void;
}

export function createSwitchboard(parts: {
  readonly channel: TabChannel;
  /** A leader was heard of for the first time, or another one took over. */
  readonly onLeader: (own: OwnFacts) => void;
  /** Calls back when a tab is gone. Returns how to stop waiting. */
  readonly whenGone: (tab: string, then: () => void) => () => void;
}): Switchboard {
  const { channel, onLeader, whenGone } = parts;
  const tab = toHex(systemRandom.bytes(8));
  const pending = new Map<string, Pending>();
  const streams = new Map<string, OpenStream>();
  /** Streams of other tabs that this one feeds, by tab. */
  const guests = new Map<string, { readonly streams: Set<string>; readonly forget: () => void }>();
  let leader: string | undefined;
  let desk: Desk | undefined;
  let own: OwnFacts | undefined;
  let closed = false;
  let count = 0;

  function settle(id: string, answer: Answer): void {
    const waiting = pending.get(id);
    if (!waiting) return;
    pending.delete(id);
    const { call, listener } = waiting;
    const streaming = answer.kind === "value" && answer.value.kind === "stream";
    if (streaming && listener) streams.set(id, { call, listener });
    waiting.resolve(answer);
  }

  function put(waiting: Pending): void {
    const { call } = waiting;
    if (leader === undefined) return;
    waiting.sentTo = leader;
    if (desk) {
      const emit = (event: StreamEvent): void => hear(call.id, event);
      void desk.perform(call, emit).then((answer) => settle(call.id, answer));
      return;
    }
    try {
      channel.send({ kind: "call", from: tab, to: leader, call });
    } catch {
      // Functions and other live things stay in their tab.
      const error = new ClientError("client/unsupported", { method: call.method, tab: "other" });
      settle(call.id, { kind: "error", error: toTabError(error) });
    }
  }

  /** Events that come before the answer to their call wait behind it. */
  function hear(id: string, event: StreamEvent): void {
    const listener = streams.get(id)?.listener ?? pending.get(id)?.listener;
    listener?.event(event);
    if (event.kind === "end" || event.kind === "fail") streams.delete(id);
  }

  function changeLeader(next: string): void {
    if (leader === next) return;
    leader = next;
    for (const waiting of pending.values()) {
      if (waiting.sentTo === undefined || isRepeatable(waiting.call)) put(waiting);
      else {
        const { method } = waiting.call;
        const error = new ClientError("client/interrupted", { method });
        settle(waiting.call.id, { kind: "error", error: toTabError(error) });
      }
    }
    for (const [id, { call, listener }] of new Map(streams)) {
      streams.delete(id);
      const resolve = (answer: Answer): void => {
        if (answer.kind === "error") listener.event({ kind: "fail", error: answer.error });
        else listener.reopened();
      };
      const waiting: Pending = { call, listener, resolve, sentTo: undefined };
      pending.set(id, waiting);
      put(waiting);
    }
  }

  function serve(from: string, call: Call): void {
    const send = (message: TabMessage): void => {
      if (closed) return;
      try {
        channel.send(message);
      } catch (cause) {
        const error = toTabError(
          new ClientError("client/unsupported", { method: call.method }, { cause }),
        );
        if (message.kind === "stream") {
          channel.send({ ...message, event: { kind: "fail", error } });
          desk?.endStream(call.id);
        } else
          channel.send({
            kind: "answer",
            to: from,
            id: call.id,
            answer: { kind: "error", error },
          });
      }
    };
    const emit = (event: StreamEvent): void =>
      send({ kind: "stream", to: from, id: call.id, event });
    void desk?.perform(call, emit).then((answer) => {
      if (answer.kind === "value" && answer.value.kind === "stream") remember(from, call.id);
      send({ kind: "answer", to: from, id: call.id, answer });
    });
  }

  function remember(from: string, id: string): void {
    let guest = guests.get(from);
    if (!guest) {
      const forget = whenGone(from, () => {
        for (const stream of guests.get(from)?.streams ?? []) desk?.endStream(stream);
        guests.delete(from);
      });
      guest = { streams: new Set(), forget };
      guests.set(from, guest);
    }
    guest.streams.add(id);
  }

  channel.listen((data) => {
    if (closed) return;
    switch (data.kind) {
      case "hello":
        if (own) channel.send({ kind: "leader", from: tab, own });
        return;
      case "leader":
        changeLeader(data.from);
        onLeader(data.own);
        return;
      case "call":
        if (data.to === tab) serve(data.from, data.call);
        return;
      case "answer":
        if (data.to === tab) settle(data.id, data.answer);
        return;
      case "stream":
        if (data.to === tab) hear(data.id, data.event);
        return;
      case "end-stream":
        if (data.to === tab) desk?.endStream(data.id);
    }
  });
  channel.send({ kind: "hello" });

  function start(call: Call, listener: StreamListener | undefined): Promise<Answer> {
    if (closed) {
      const error = toTabError(new ClientError("client/closed"));
      return Promise.resolve({ kind: "error", error });
    }
    return new Promise((resolve) => {
      const waiting: Pending = { call, listener, resolve, sentTo: undefined };
      pending.set(call.id, waiting);
      put(waiting);
    });
  }
  const nextId = (): string => `${tab}-${count++}`;

  return {
    tab,
    call: (target, method, args) =>
      start(withIdempotencyKey({ id: nextId(), target, method, args }), undefined),
    async stream(call, listener) {
      const id = nextId();
      const answer = await start({ ...call, id }, listener);
      return {
        answer,
        end() {
          streams.delete(id);
          if (desk) desk.endStream(id);
          else if (leader && !closed) channel.send({ kind: "end-stream", to: leader, id });
        },
      };
    },
    lead(newDesk, facts) {
      desk = newDesk;
      own = facts;
      changeLeader(tab);
      channel.send({ kind: "leader", from: tab, own: facts });
      onLeader(facts);
    },
    failWaiting(error) {
      for (const { call } of pending.values()) {
        settle(call.id, { kind: "error", error: toTabError(error) });
      }
    },
    close() {
      if (closed) return;
      closed = true;
      const error = toTabError(new ClientError("client/closed"));
      for (const { call } of pending.values()) settle(call.id, { kind: "error", error });
      for (const { listener } of streams.values()) listener.event({ kind: "end" });
      for (const { forget } of guests.values()) forget();
      channel.close();
    },
  };
}
