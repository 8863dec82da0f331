import { SessionMessageType } from "@coterie/wire/slim";
import type { Command } from "./command.ts";
import { commandId } from "./context.ts";
import type { Ask, Context, Session } from "./model.ts";
import type { KnownName } from "./names.ts";
import type { Received } from "./received.ts";
import { sendCommand } from "./send-command.ts";
import { timersOf } from "./session.ts";

export function ask(
  context: Context,
  session: Session,
  input: {
    readonly command: Command;
    readonly expect: readonly KnownName[];
    readonly replyTypes: readonly number[];
    /** Natives drop a repetition with the same number unanswered; a new one they answer (SGR-23). */
    readonly renews?: boolean;
    readonly epoch?: bigint | undefined;
  },
): Ask {
  const { command, expect, replyTypes, renews = false } = input;
  const byService = command.session.sessionMessageType === SessionMessageType.discoveryRequest;
  const timers = timersOf(session);
  const made: Ask = {
    command,
    ids: new Set([command.session.messageId]),
    replyTypes,
    missing: new Map(expect.map((name) => [byService ? name.service : name.key, name])),
    replies: [],
    renews,
    epoch: input.epoch,
    timers,
    state: expect.length === 0 ? "done" : "open",
    sent: 1,
    nextAt: context.now + timers.intervalMs,
  };
  if (made.state === "open") session.asks.add(made);
  // SHB-02
  if (command.destination.key === session.control?.key) session.presence.sentToGroup();
  sendCommand(context, command);
  return made;
}

/** Gives a reply to the command that it answers, if anybody asked. */
export function answer(session: Session, received: Received): Ask | undefined {
  const { type, messageId, source } = received;
  for (const open of session.asks) {
    if (!open.ids.has(messageId) || !open.replyTypes.includes(type)) continue;
    const key = type === SessionMessageType.discoveryReply ? source.service : source.key;
    if (!open.missing.delete(key)) continue;
    open.replies.push(received);
    if (open.missing.size === 0) settle(session, open, "done");
    return open;
  }
  return undefined;
}

/** Nobody waits for this member any more: it is gone, or it answered in another way (SML-34). */
export function excuse(session: Session, key: string, which?: (open: Ask) => boolean): void {
  for (const open of session.asks) {
    if (which !== undefined && !which(open)) continue;
    if (open.missing.delete(key) && open.missing.size === 0) settle(session, open, "done");
  }
}

export function cancel(session: Session, open: Ask | undefined): void {
  if (open?.state === "open") settle(session, open, "failed");
}

export function tickAsks(context: Context, session: Session): void {
  for (const open of session.asks) {
    if (open.nextAt > context.now) continue;
    const { maxRetries, intervalMs } = open.timers;
    if (open.sent > maxRetries) {
      settle(session, open, "failed");
      continue;
    }
    open.sent += 1;
    open.nextAt = context.now + intervalMs;
    if (open.renews && open.sent > Math.ceil((maxRetries + 1) / 2)) renumber(context, open);
    sendCommand(context, open.command);
  }
}

export function nextAsk(session: Session): number | undefined {
  let next: number | undefined;
  for (const { nextAt } of session.asks) if (next === undefined || nextAt < next) next = nextAt;
  return next;
}

function renumber(context: Context, open: Ask): void {
  const messageId = commandId(context);
  open.ids.add(messageId);
  open.command = { ...open.command, session: { ...open.command.session, messageId } };
}

function settle(session: Session, open: Ask, state: "done" | "failed"): void {
  open.state = state;
  session.asks.delete(open);
}
