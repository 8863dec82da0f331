import type { Context, Subscription } from "./model.ts";
import type { KnownName } from "./names.ts";
import type { ConnectionId } from "./port.ts";

export function refuse(context: Context, reason: string, session?: number): void {
  context.out.push({ kind: "refused", reason, session });
}

/** Unix seconds. */
export function wallSeconds(context: Context): number {
  return Number(context.parts.clock.nowNs() / 1_000_000_000n);
}

export function random32(context: Context): number {
  const [a = 0, b = 0, c = 0, d = 0] = context.parts.crypto.bytes(4);
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

/** Ids of commands are random and not zero (SSN-04). */
export function commandId(context: Context): number {
  for (;;) {
    const id = random32(context);
    if (id !== 0) return id;
  }
}

export interface Route {
  readonly id: number;
  readonly connection: ConnectionId;
  readonly source: KnownName;
}

/** SCN-32: answered by `subscribed`. */
export function subscribe(
  context: Context,
  { id, connection, source }: Route,
  name: KnownName,
  until: number,
): Subscription {
  const request = context.nextRequest;
  context.nextRequest += 1;
  const subscription: Subscription = { session: id, state: "open", until };
  context.subscriptions.set(request, subscription);
  context.out.push({
    kind: "subscribe",
    request,
    connection,
    name: name.name,
    source: source.name,
  });
  return subscription;
}

export function unsubscribe(
  context: Context,
  { connection, source }: Route,
  name: KnownName,
): void {
  const request = context.nextRequest;
  context.nextRequest += 1;
  context.out.push({
    kind: "unsubscribe",
    request,
    connection,
    name: name.name,
    source: source.name,
  });
}
