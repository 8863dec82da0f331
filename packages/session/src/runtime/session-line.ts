import type { AppEffect, Delivery, MemberView, SessionView } from "../core/port.ts";
import { SessionError } from "../errors.ts";
import { createMailbox } from "./mailbox.ts";
import type { Mailbox } from "./mailbox.ts";
import type { Operation } from "./operation.ts";
import type { Scheduler } from "./scheduler.ts";

/** `ended`: the app, or the service, was closed. */
export type ClosedReason = Extract<AppEffect, { kind: "closed" }>["reason"] | "ended";

/** What became of a member, as this app sees it. */
export interface ParticipantChange {
  readonly kind: "joined" | "left" | "online" | "offline";
  readonly member: MemberView;
}

export interface LineListener {
  readonly participant?: ((change: ParticipantChange) => void) | undefined;
  readonly lost?: ((item: Extract<Delivery, { kind: "lost" }>) => void) | undefined;
  readonly closed?: ((reason: ClosedReason) => void) | undefined;
}

/** A listener that throws harms nobody else: it is called in the middle of what the app does. */
export function harmless(listener: LineListener, failed: (error: unknown) => void): LineListener {
  const guard = <T>(listen: ((told: T) => void) | undefined): ((told: T) => void) | undefined =>
    listen &&
    ((told) => {
      try {
        listen(told);
      } catch (error) {
        failed(error);
      }
    });
  return {
    participant: guard(listener.participant),
    lost: guard(listener.lost),
    closed: guard(listener.closed),
  };
}

/** A publish that waits for its turn (SRL-08). */
interface Waiting {
  readonly operation: Operation;
  readonly begin: () => void;
}

/** What the runtime keeps of one session beside its core. */
export interface SessionLine {
  readonly id: number;
  readonly mailbox: Mailbox<Delivery>;
  /** Bytes of payload in the mailbox. */
  heldBytes: number;
  /** Publishes that are under way. */
  unacknowledged: number;
  /** In the order in which they were asked for. */
  readonly waiting: Waiting[];
  readonly listeners: Set<LineListener>;
  /** The last that was seen of it, for after its end. */
  view: SessionView;
  closed: ClosedReason | undefined;
}

export function createSessionLine(view: SessionView, scheduler: Scheduler): SessionLine {
  return {
    id: view.id,
    mailbox: createMailbox<Delivery>(scheduler),
    heldBytes: 0,
    unacknowledged: 0,
    waiting: [],
    listeners: new Set(),
    view,
    closed: undefined,
  };
}

/** SRL-20. */
export function sessionClosed(session: number, reason: ClosedReason): SessionError {
  return new SessionError("session/closed", { session, reason }, undefined, {
    message: "session closed",
  });
}

/** Tells who listens what differs between two views. */
export function tellChanges(line: SessionLine, before: SessionView, after: SessionView): void {
  if (before.members === after.members) return;
  const old = new Map(before.members.map((member) => [keyOf(member), member]));
  const changes: ParticipantChange[] = [];
  for (const member of after.members) {
    const known = old.get(keyOf(member));
    old.delete(keyOf(member));
    if (known === undefined) changes.push({ kind: "joined", member });
    else if (known.online !== member.online) {
      changes.push({ kind: member.online ? "online" : "offline", member });
    }
  }
  for (const member of old.values()) changes.push({ kind: "left", member });
  for (const change of changes) {
    for (const { participant } of line.listeners) participant?.(change);
  }
}

function keyOf({ name }: MemberView): string {
  return `${name.organization}/${name.namespace}/${name.service}/${name.id}`;
}
