// Sessions in memory: what one member publishes all others get, in order.
import { slimName } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import type { RpcIncoming, RpcSession, RpcTime } from "../../src/rpc/port.ts";
import { RpcCode } from "../../src/rpc/status.ts";
import { expect } from "vitest";

export const nameOf = (service: string, id = 1n): SlimName => slimName("agntcy", "ns", service, id);

export interface Member extends RpcSession {
  readonly name: SlimName;
  /** Everything that it has published. */
  readonly sent: { readonly payload: Uint8Array; readonly metadata: ReadonlyMap<string, string> }[];
  /** As if the session had brought it. */
  bring(item: RpcIncoming): void;
  leave(): void;
  /** What its publications are told of who has not acknowledged them. */
  missing: readonly SlimName[];
}

export function memorySession(...names: readonly SlimName[]): readonly Member[] {
  const members: Member[] = names.map((name) => {
    const waiting: RpcIncoming[] = [];
    let wake: (() => void) | undefined;
    let closed = false;
    const member: Member = {
      id: 7,
      name,
      metadata: new Map([["topic", "lunch"]]),
      sent: [],
      missing: [],
      bring(item) {
        waiting.push(item);
        wake?.();
      },
      leave() {
        closed = true;
        wake?.();
      },
      async publish(payload, metadata) {
        if (closed) throw new Error("closed");
        member.sent.push({ payload, metadata });
        for (const other of members) {
          if (other !== member) other.bring({ kind: "message", source: name, payload, metadata });
        }
        return { delivered: Promise.resolve(member.missing) };
      },
      async next() {
        for (;;) {
          if (closed) return undefined;
          const first = waiting.shift();
          if (first !== undefined) return first;
          await new Promise<void>((resolve) => (wake = resolve));
        }
      },
      close: async () => members.forEach(({ leave }) => leave()),
    };
    return member;
  });
  return members;
}

/** Time that a test moves. */
export function virtualTime(start = 1_700_000_000_000): RpcTime & { move(ms: number): void } {
  let now = start;
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();
  return {
    unixMs: () => now,
    later(ms, run) {
      const timer = { at: now + ms, run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    move(ms) {
      now += ms;
      for (const timer of timers) {
        if (timer.at > now) continue;
        timers.delete(timer);
        timer.run();
      }
    },
  };
}

/** Everything that is under way and waits for nothing from outside has happened. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export const failure = (status: keyof typeof RpcCode) =>
  expect.objectContaining({ code: "session/rpc-failed", status: RpcCode[status] });
