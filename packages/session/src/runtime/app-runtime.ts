import { silentLog } from "@coterie/base";
import type { Log } from "@coterie/base";
import { SessionMessageType } from "@coterie/wire/slim";
import type { Publish, SlimName } from "@coterie/wire/slim";
import type {
  AppCore,
  AppEffect,
  AppInput,
  ConnectionId,
  Delivery,
  Handle,
  Payload,
  SessionSettings,
} from "../core/port.ts";
import { SessionError } from "../errors.ts";
import { createMailbox } from "./mailbox.ts";
import type { Mailbox } from "./mailbox.ts";
import { Operation } from "./operation.ts";
import { createOutlet } from "./outlet.ts";
import type { EffectStore, Outlet, StoredEffect } from "./outlet.ts";
import { createPreparation } from "./preparation.ts";
import type { Preparation } from "./preparation.ts";
import type { Scheduler } from "./scheduler.ts";
import { createSessionLine, harmless, sessionClosed, tellChanges } from "./session-line.ts";
import type { ClosedReason, LineListener, SessionLine } from "./session-line.ts";

/** What carries an app's messages. */
export interface AppLinks {
  /** A promise while the line is full; what was given is in it all the same. */
  send(
    connection: ConnectionId,
    publish: Publish,
    metadata: ReadonlyMap<string, string>,
  ): Promise<unknown> | undefined;
  subscribe(connection: ConnectionId, name: SlimName, source: SlimName): Promise<void>;
  unsubscribe(connection: ConnectionId, name: SlimName, source: SlimName): Promise<void>;
}

export interface RuntimeLimits {
  /** Unacknowledged messages of a session before `publish` waits (SRL-08). */
  readonly unacknowledged: number;
  /** What a session may hold that nobody reads; more is not taken, and its sender sends it again. */
  readonly unreadMessages: number;
  readonly unreadBytes: number;
}

const defaultRuntimeLimits: RuntimeLimits = {
  unacknowledged: 512,
  unreadMessages: 16_384,
  unreadBytes: 64 * 1024 * 1024,
};

export interface RuntimeParts {
  readonly core: AppCore;
  readonly links: AppLinks;
  readonly scheduler: Scheduler;
  /** SHB-17; absent: nothing is kept. */
  readonly store?: EffectStore | undefined;
  /** Fetches what verifying a token needs. Absent: nothing ever waits. */
  readonly prepare?: ((token: string) => Promise<void> | undefined) | undefined;
  readonly limits?: Partial<RuntimeLimits> | undefined;
  readonly log?: Log | undefined;
}

/** Inputs that end once, without the handle that this runtime gives them. */
type Asked =
  | { readonly kind: "invite" | "remove"; readonly session: number; readonly name: SlimName }
  | { readonly kind: "close" | "soft-close" | "rejoin"; readonly session: number }
  | { readonly kind: "hand-over"; readonly session: number; readonly to: SlimName | undefined };

type Message = Extract<Delivery, { readonly kind: "message" }>;

interface UnderWay {
  readonly operation: Operation;
  line: SessionLine | undefined;
  readonly kind: AppInput["kind"];
  /** Of a creation. */
  created?: ((line: SessionLine) => void) | undefined;
}

/** Runs the core of one app: gives it its time and its messages, and does what it says, in one order (SSN-12). */
export class AppRuntime {
  readonly core: AppCore;
  /** Sessions that others began (SGR-25). */
  readonly joined: Mailbox<SessionLine>;
  /** What was refused, by reason. */
  readonly refused: Map<string, number> = new Map<string, number>();
  /** Sees a session before the application does; true keeps it (SCT-25). */
  intercept: ((line: SessionLine) => boolean) | undefined;
  /** Sees a message before the application does; true keeps it. */
  diverted: ((line: SessionLine, item: Message) => boolean) | undefined;
  /** Sees what the application publishes. */
  published:
    | ((
        line: SessionLine,
        payload: Payload,
        to: SlimName | undefined,
        operation: Operation,
      ) => void)
    | undefined;
  /** A session is over for good. */
  finished: ((line: SessionLine) => void) | undefined;
  readonly #links: AppLinks;
  readonly #scheduler: Scheduler;
  readonly #limits: RuntimeLimits;
  readonly #log: Log;
  readonly #outlet: Outlet;
  readonly #preparation: Preparation | undefined;
  readonly #lines: Map<number, SessionLine> = new Map<number, SessionLine>();
  readonly #underWay: Map<Handle, UnderWay> = new Map<Handle, UnderWay>();
  #nextHandle: Handle = 1;
  /** Listeners to participants: without any, nothing is compared. */
  #watched = 0;
  #alarm: { readonly at: number; readonly cancel: () => void } | undefined;
  /** Set while a line is full. */
  #full: Promise<unknown> | undefined;
  #repeat: (() => void) | undefined;
  #over: SessionError | undefined;

  constructor(parts: RuntimeParts) {
    this.core = parts.core;
    this.#links = parts.links;
    this.#scheduler = parts.scheduler;
    this.#limits = { ...defaultRuntimeLimits, ...parts.limits };
    this.#log = parts.log ?? silentLog;
    this.joined = createMailbox<SessionLine>(parts.scheduler);
    this.#outlet = createOutlet(
      parts.store,
      (effect) => this.#perform(effect),
      (error) => this.end(new SessionError("session/storage-failed", {}, error)),
    );
    this.#preparation =
      parts.prepare &&
      createPreparation({
        prepare: parts.prepare,
        scheduler: parts.scheduler,
        dropped: () => this.#refuse("unprepared"),
      });
  }

  get over(): boolean {
    return this.#over !== undefined;
  }

  lines(): readonly SessionLine[] {
    return [...this.#lines.values()];
  }

  /** A message whose MAC was right. */
  receive(publish: Publish, metadata: ReadonlyMap<string, string>, connection: ConnectionId): void {
    const handOn = (): void => this.#take(publish, metadata, connection);
    if (this.#preparation === undefined || this.#preparation.admit(publish, handOn)) handOn();
  }

  create(
    settings: SessionSettings,
    destination: SlimName,
    connection: ConnectionId,
  ): Promise<{ readonly operation: Operation; readonly line: SessionLine }> {
    if (this.#over !== undefined) return Promise.reject(this.#over);
    const operation = new Operation();
    const entry: UnderWay = { operation, line: undefined, kind: "create", created: undefined };
    const created = new Promise<SessionLine>((resolve, reject) => {
      entry.created = resolve;
      operation.listen(() => {
        if (operation.error !== undefined) reject(operation.error);
      });
    });
    const handle = this.#enter(entry);
    try {
      this.step({ kind: "create", handle, settings, destination, connection });
    } catch (error) {
      // an identity that cannot sign says so here
      this.#leave(handle)?.reject(error);
    }
    return created.then((line) => ({ operation, line }));
  }

  /** While a message is looked at: how to have it looked at once more. */
  repeater(): (() => void) | undefined {
    return this.#repeat;
  }

  /** Brings back a session of an earlier run; undefined where it cannot be read. */
  restore(
    session: number,
    entries: ReadonlyMap<string, Uint8Array>,
    connection: ConnectionId,
  ): SessionLine | undefined {
    this.step({ kind: "restore", session, entries, connection });
    return this.#open(session);
  }

  /** Begins something that ends once. */
  ask(asked: Asked): Operation {
    const operation = new Operation();
    const line = this.#lines.get(asked.session);
    const reason = this.#over ?? closedAlready(line, asked.session);
    if (reason !== undefined) {
      operation.reject(reason);
      return operation;
    }
    const handle = this.#enter({ operation, line, kind: asked.kind });
    this.step({ ...asked, handle });
    operation.start();
    return operation;
  }

  /** Sends at once, or when it is its turn: while the line is full or too much is unacknowledged it waits (SRL-08). */
  publish(
    line: SessionLine,
    payload: Payload,
    to: SlimName | undefined,
    signal: AbortSignal | undefined,
  ): Operation {
    const operation = new Operation();
    this.published?.(line, payload, to, operation);
    const begin = (): void => {
      const handle = this.#enter({ operation, line, kind: "publish" });
      line.unacknowledged += 1;
      this.step({ kind: "publish", handle, session: line.id, to, ...payload });
      operation.start();
    };
    const reason = this.#over ?? closedAlready(line, line.id);
    if (reason !== undefined) operation.reject(reason);
    else if (signal?.aborted === true) operation.reject(signal.reason);
    else if (line.waiting.length === 0 && this.#mayPublish(line)) begin();
    else this.#wait(line, operation, begin, signal);
    return operation;
  }

  step(input: AppInput): void {
    if (this.#over !== undefined) return;
    this.#outlet.put(this.core.step(input, this.#scheduler.nowMs()));
    this.#setAlarm();
    if (this.#watched > 0) this.#tellChanges();
  }

  /** Tells from now on; returns how to stop that. */
  listen(line: SessionLine, listener: LineListener): () => void {
    this.view(line);
    const own = harmless(listener, (error) => {
      this.#log.write("error", "slim.listener-failed", { session: line.id, error });
    });
    line.listeners.add(own);
    if (listener.participant !== undefined) this.#watched += 1;
    return () => {
      if (line.listeners.delete(own) && listener.participant !== undefined) this.#watched -= 1;
    };
  }

  /** The line's core as it is, or as it was last seen. */
  view(line: SessionLine): SessionLine["view"] {
    line.view = this.core.session(line.id) ?? line.view;
    return line.view;
  }

  /** One item of a mailbox was read. */
  read(line: SessionLine, item: Delivery): void {
    if (item.kind === "message") line.heldBytes -= item.payload.length;
  }

  /** Ends everything: whatever is under way rejects with the reason. */
  end(reason: SessionError): void {
    if (this.#over !== undefined) return;
    this.#over = reason;
    this.#alarm?.cancel();
    this.joined.close(() => reason);
    for (const { operation } of this.#underWay.values()) operation.reject(reason);
    this.#underWay.clear();
    for (const line of this.#lines.values()) this.#endLine(line, "ended", reason);
    this.#lines.clear();
  }

  /** Resolves once nothing waits for the disk. */
  flushed(): Promise<void> {
    return this.#outlet.flushed();
  }

  #take(publish: Publish, metadata: ReadonlyMap<string, string>, connection: ConnectionId): void {
    const line = this.#lines.get(publish.session?.sessionId ?? -1);
    if (line !== undefined && this.#isFull(line) && isData(publish)) {
      this.#refuse("unread", line.id);
      return;
    }
    this.#repeat = () => this.step({ kind: "received", publish, metadata, connection });
    this.#repeat();
    this.#repeat = undefined;
  }

  #isFull(line: SessionLine): boolean {
    const { unreadMessages, unreadBytes } = this.#limits;
    return line.mailbox.length >= unreadMessages || line.heldBytes >= unreadBytes;
  }

  #enter(entry: UnderWay): Handle {
    const handle = this.#nextHandle;
    this.#nextHandle += 1;
    this.#underWay.set(handle, entry);
    return handle;
  }

  #leave(handle: Handle): Operation | undefined {
    const entry = this.#underWay.get(handle);
    if (entry === undefined) return undefined;
    this.#underWay.delete(handle);
    const { line, kind } = entry;
    if (kind === "publish" && line !== undefined) {
      line.unacknowledged -= 1;
      if (line.waiting.length > 0) queueMicrotask(() => this.#nextWaiting(line));
    }
    return entry.operation;
  }

  #mayPublish(line: SessionLine): boolean {
    return this.#full === undefined && line.unacknowledged < this.#limits.unacknowledged;
  }

  #wait(
    line: SessionLine,
    operation: Operation,
    begin: () => void,
    signal: AbortSignal | undefined,
  ): void {
    const entry = {
      operation,
      begin() {
        signal?.removeEventListener("abort", abort);
        begin();
      },
    };
    const abort = (): void => {
      const at = line.waiting.indexOf(entry);
      if (at >= 0) line.waiting.splice(at, 1);
      operation.reject(signal?.reason);
    };
    signal?.addEventListener("abort", abort, { once: true });
    line.waiting.push(entry);
  }

  #nextWaiting(line: SessionLine): void {
    while (line.waiting.length > 0 && this.#mayPublish(line)) line.waiting.shift()?.begin();
  }

  #perform(effect: Exclude<AppEffect, StoredEffect>): void {
    switch (effect.kind) {
      case "send": {
        const full = this.#links.send(effect.connection, effect.publish, effect.metadata);
        if (full !== undefined) this.#waitFor(full);
        break;
      }
      case "subscribe":
      case "unsubscribe":
        this.#subscribe(effect);
        break;
      case "created":
        this.#created(effect.handle, effect.session);
        break;
      case "done":
        this.#leave(effect.handle)?.resolve(effect.outcome);
        break;
      case "failed":
        this.#leave(effect.handle)?.reject(effect.error);
        break;
      case "joined": {
        const line = this.#open(effect.session);
        if (line !== undefined && this.intercept?.(line) !== true) this.joined.put(line);
        break;
      }
      case "delivered":
        this.#deliver(effect.session, effect.item);
        break;
      case "closed":
        this.#close(effect.session, effect.reason);
        break;
      case "refused":
        this.#refuse(effect.reason, effect.session);
        break;
      default:
        effect satisfies never;
    }
  }

  #subscribe(effect: Extract<AppEffect, { kind: "subscribe" | "unsubscribe" }>): void {
    const { connection, name, source, request, kind } = effect;
    this.#links[kind](connection, name, source).then(
      () => this.step({ kind: "subscribed", request }),
      (error: unknown) =>
        this.step({
          kind: "subscribed",
          request,
          error: error instanceof Error ? error.message : String(error),
        }),
    );
  }

  #created(handle: Handle, session: number): void {
    const entry = this.#underWay.get(handle);
    const line = this.#open(session);
    if (entry === undefined || line === undefined) return;
    entry.line = line;
    entry.operation.start();
    entry.created?.(line);
  }

  #open(session: number): SessionLine | undefined {
    const known = this.#lines.get(session);
    if (known !== undefined) return known;
    const view = this.core.session(session);
    if (view === undefined) return undefined;
    const line = createSessionLine(view, this.#scheduler);
    this.#lines.set(session, line);
    return line;
  }

  #deliver(session: number, item: Delivery): void {
    const line = this.#open(session);
    if (line === undefined) return;
    if (item.kind === "message") {
      if (this.diverted?.(line, item) === true) return;
      line.heldBytes += item.payload.length;
    }
    line.mailbox.put(item);
    if (item.kind === "lost") for (const { lost } of line.listeners) lost?.(item);
  }

  #close(session: number, reason: ClosedReason): void {
    const line = this.#lines.get(session);
    if (line === undefined) return;
    this.#lines.delete(session);
    if (reason !== "disconnected") this.finished?.(line);
    this.#endLine(line, reason, sessionClosed(session, reason));
    // whatever its core does not end itself in this batch ends here: nothing hangs
    queueMicrotask(() => {
      for (const [handle, entry] of this.#underWay) {
        if (entry.line === line && entry.kind !== "close") {
          this.#underWay.delete(handle);
          entry.operation.reject(sessionClosed(session, reason));
        }
      }
    });
  }

  #endLine(line: SessionLine, reason: ClosedReason, error: SessionError): void {
    this.view(line);
    line.closed = reason;
    line.mailbox.close(() => error);
    for (const { operation } of line.waiting.splice(0)) operation.reject(error);
    for (const { closed } of line.listeners) closed?.(reason);
  }

  #refuse(reason: string, session?: number): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
    this.#log.write("debug", "slim.refused", { reason, session });
  }

  #tellChanges(): void {
    for (const line of this.#lines.values()) {
      if (line.listeners.size === 0) continue;
      const before = line.view;
      tellChanges(line, before, this.view(line));
    }
  }

  #waitFor(full: Promise<unknown>): void {
    this.#full = full;
    const free = (): void => {
      if (this.#full !== full) return;
      this.#full = undefined;
      for (const line of this.#lines.values()) this.#nextWaiting(line);
    };
    full.then(free, free);
  }

  /** One timer for all: a later deadline waits for the earlier alarm to find it. */
  #setAlarm(): void {
    const { wakeAt } = this.core;
    if (wakeAt === undefined || this.#over !== undefined) return;
    if (this.#alarm !== undefined && this.#alarm.at <= wakeAt) return;
    this.#alarm?.cancel();
    const ring = (): void => {
      this.#alarm = undefined;
      const due = this.core.wakeAt;
      if (due !== undefined && due <= this.#scheduler.nowMs()) this.step({ kind: "tick" });
      else this.#setAlarm();
    };
    // at least one: a deadline that a tick leaves behind must not take the thread
    const wait = Math.max(1, Math.ceil(wakeAt - this.#scheduler.nowMs()));
    this.#alarm = { at: wakeAt, cancel: this.#scheduler.later(wait, ring) };
  }
}

function closedAlready(line: SessionLine | undefined, session: number): SessionError | undefined {
  if (line !== undefined && line.closed === undefined) return undefined;
  return new SessionError("session/closed", { session }, undefined, {
    message: "Session already closed or dropped",
  });
}

function isData(publish: Publish): boolean {
  const type = publish.session?.sessionMessageType;
  return type === SessionMessageType.msg || type === SessionMessageType.rtxReply;
}
