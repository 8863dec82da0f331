import { formatSlimService, sameSlimName } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import type { Delivery } from "../core/port.ts";
import { SessionError } from "../errors.ts";
import type { History } from "../history/history.ts";
import type { AppRuntime } from "../runtime/app-runtime.ts";
import { Operation } from "../runtime/operation.ts";
import type { Scheduler } from "../runtime/scheduler.ts";
import type {
  ClosedReason,
  LineListener,
  ParticipantChange,
  SessionLine,
} from "../runtime/session-line.ts";
import { configOf } from "./config/session.ts";
import type { Metadata, SessionConfig } from "./config/session.ts";
import { recordOf } from "./config/variant.ts";
import type { RecordMaker } from "./config/variant.ts";
import { millisecondsOf } from "./duration.ts";
import type { Duration } from "./duration.ts";
import { CloseMode, ParticipantStatus, SessionType } from "./enums.ts";
import { Started } from "./handle.ts";
import type { Completion, WaitOptions } from "./handle.ts";
import { historicOf } from "./history.ts";
import type { HistoricMessage, HistoryQuery } from "./history.ts";
import { Name, slimNameOf } from "./name.ts";
import type { NameLike } from "./name.ts";
import { payloadOf } from "./payload.ts";
import type { Data } from "./payload.ts";
import { errorOf, messageOf } from "./received.ts";
import type { MessageContext, ReceivedMessage } from "./received.ts";

export interface ParticipantInfo {
  name: NameLike;
  status: ParticipantStatus;
}
export const ParticipantInfo: RecordMaker<ParticipantInfo> = recordOf();

/** What `session.on` tells of. */
export interface SessionEvents {
  /** Somebody came, went, or is taken for offline or online (SHB-06). */
  participant: (change: {
    readonly kind: ParticipantChange["kind"];
    readonly name: Name;
    readonly status: ParticipantStatus;
  }) => void;
  /** A message that nobody can bring any more (SRL-14). */
  lost: (lost: { readonly source: Name; readonly messageId: number }) => void;
  closed: (reason: ClosedReason) => void;
}

/** One conversation: a channel with its members, or two apps. It lives until it is closed (SSN-22). */
export class Session implements AsyncDisposable {
  readonly #runtime: AppRuntime;
  readonly #line: SessionLine;
  readonly #scheduler: Scheduler;
  readonly #history: History;

  /** @internal */
  constructor(runtime: AppRuntime, line: SessionLine, scheduler: Scheduler, history: History) {
    this.#history = history;
    this.#runtime = runtime;
    this.#line = line;
    this.#scheduler = scheduler;
  }

  /** Adds a member: by its service any one instance, by its full name that one. Moderators only. */
  invite(participant: NameLike, options?: WaitOptions): Started {
    return this.#begin(() => this.#ask("invite", participant), options);
  }
  inviteAsync(participant: NameLike, options?: WaitOptions): Started {
    return this.invite(participant, options);
  }
  inviteAndWait(participant: NameLike, options?: WaitOptions): Promise<Completion> {
    return this.invite(participant, options).wait(options);
  }
  inviteAndWaitAsync(participant: NameLike, options?: WaitOptions): Promise<Completion> {
    return this.invite(participant, options).wait(options);
  }

  /** Takes a member out. Moderators only. */
  remove(participant: NameLike, options?: WaitOptions): Started {
    return this.#begin(() => this.#ask("remove", participant), options);
  }
  removeAsync(participant: NameLike, options?: WaitOptions): Started {
    return this.remove(participant, options);
  }
  removeAndWait(participant: NameLike, options?: WaitOptions): Promise<Completion> {
    return this.remove(participant, options).wait(options);
  }
  removeAndWaitAsync(participant: NameLike, options?: WaitOptions): Promise<Completion> {
    return this.remove(participant, options).wait(options);
  }

  /**
   * Sends to all members. Awaited it is the handle, once the message is on its way; while 512 are unacknowledged or the connection is
   * full, that takes until there is room (SRL-08). The handle resolves when everybody has acknowledged, or counts as offline (SRL-06).
   */
  publish(
    data: Data,
    payloadType?: string | null,
    metadata?: Metadata | null,
    options?: WaitOptions,
  ): Started {
    return this.#begin(() =>
      this.#runtime.publish(
        this.#line,
        payloadOf(data, payloadType, metadata),
        undefined,
        options?.signal,
      ),
    );
  }
  publishAsync(
    data: Data,
    payloadType?: string | null,
    metadata?: Metadata | null,
    options?: WaitOptions,
  ): Started {
    return this.publish(data, payloadType, metadata, options);
  }
  publishAndWait(
    data: Data,
    payloadType?: string | null,
    metadata?: Metadata | null,
    options?: WaitOptions,
  ): Promise<Completion> {
    return this.publish(data, payloadType, metadata, options).wait(options);
  }
  publishAndWaitAsync(
    data: Data,
    payloadType?: string | null,
    metadata?: Metadata | null,
    options?: WaitOptions,
  ): Promise<Completion> {
    return this.publish(data, payloadType, metadata, options).wait(options);
  }

  /** Sends to one member: whoever sent the message with this context (SRL-16). */
  publishTo(
    messageContext: Pick<MessageContext, "sourceName">,
    data: Data,
    payloadType?: string | null,
    metadata?: Metadata | null,
    options?: WaitOptions,
  ): Started {
    return this.#begin(() =>
      this.#runtime.publish(
        this.#line,
        payloadOf(data, payloadType, metadata),
        slimNameOf(messageContext.sourceName),
        options?.signal,
      ),
    );
  }
  publishToAsync(
    messageContext: Pick<MessageContext, "sourceName">,
    data: Data,
    payloadType?: string | null,
    metadata?: Metadata | null,
    options?: WaitOptions,
  ): Started {
    return this.publishTo(messageContext, data, payloadType, metadata, options);
  }
  publishToAndWait(
    messageContext: Pick<MessageContext, "sourceName">,
    data: Data,
    payloadType?: string | null,
    metadata?: Metadata | null,
    options?: WaitOptions,
  ): Promise<Completion> {
    return this.publishTo(messageContext, data, payloadType, metadata, options).wait(options);
  }
  publishToAndWaitAsync(
    messageContext: Pick<MessageContext, "sourceName">,
    data: Data,
    payloadType?: string | null,
    metadata?: Metadata | null,
    options?: WaitOptions,
  ): Promise<Completion> {
    return this.publishTo(messageContext, data, payloadType, metadata, options).wait(options);
  }

  /**
   * To the session's own destination like `publish`, to a member like `publishTo`; fanout and connection are the session's, whatever is
   * given. Resolves once the message is on its way.
   */
  async publishWithParams(
    destination: NameLike,
    _fanout: number,
    data: Data,
    _connectionOut?: bigint | null,
    payloadType?: string | null,
    metadata?: Metadata | null,
    options?: WaitOptions,
  ): Promise<void> {
    const to = slimNameOf(destination);
    if (this.#isOwnDestination(to)) await this.publish(data, payloadType, metadata, options);
    else {
      await this.publishTo({ sourceName: destination }, data, payloadType, metadata, options);
    }
  }
  publishWithParamsAsync(
    destination: NameLike,
    fanout: number,
    data: Data,
    connectionOut?: bigint | null,
    payloadType?: string | null,
    metadata?: Metadata | null,
    options?: WaitOptions,
  ): Promise<void> {
    return this.publishWithParams(
      destination,
      fanout,
      data,
      connectionOut,
      payloadType,
      metadata,
      options,
    );
  }

  /**
   * The next message. Rejects with `session/timeout`; with `session/message-lost` in place of a message that is gone for good, and with
   * `session/participant-disconnected` where a member left by itself, after both of which there may be more; with `session/closed` at the end (SRL-20).
   */
  async getMessage(timeout?: Duration | null, options?: WaitOptions): Promise<ReceivedMessage> {
    const item = await this.#next(timeout, options?.signal);
    if (item.kind === "message") return messageOf(item);
    throw errorOf(this.#line.id, item);
  }
  getMessageAsync(timeout?: Duration | null, options?: WaitOptions): Promise<ReceivedMessage> {
    return this.getMessage(timeout, options);
  }

  /** Messages as they come, until the session is closed. What is lost is told by `on("lost")`. SSN-20. */
  async *messages(options?: WaitOptions): AsyncGenerator<ReceivedMessage, void, void> {
    for (;;) {
      let item: Delivery;
      try {
        item = await this.#next(undefined, options?.signal);
      } catch (error) {
        if (this.#line.closed !== undefined && options?.signal?.aborted !== true) return;
        throw error;
      }
      if (item.kind === "message") yield messageOf(item);
    }
  }

  /** Calls the listener from now on. Returns how to stop that. */
  on<Event extends keyof SessionEvents>(event: Event, listener: SessionEvents[Event]): () => void {
    return this.#runtime.listen(this.#line, listenerOf(event, listener));
  }

  /** Everybody in the session, this app included. */
  async participantsList(options?: WaitOptions): Promise<ParticipantInfo[]> {
    options?.signal?.throwIfAborted();
    return this.#runtime.view(this.#line).members.map(({ name, online }) => ({
      name: Name.of(name),
      status: online ? ParticipantStatus.Online : ParticipantStatus.Offline,
    }));
  }
  participantsListAsync(options?: WaitOptions): Promise<ParticipantInfo[]> {
    return this.participantsList(options);
  }

  /** Ends it for good: for all if this app began it, for this app alone otherwise. */
  close(options?: WaitOptions): Started {
    return this.closeWithMode(CloseMode.Hard, options);
  }
  closeAsync(options?: WaitOptions): Started {
    return this.close(options);
  }
  closeAndWait(options?: WaitOptions): Promise<Completion> {
    return this.close(options).wait(options);
  }
  closeAndWaitAsync(options?: WaitOptions): Promise<Completion> {
    return this.close(options).wait(options);
  }

  closeWithMode(mode: CloseMode, options?: WaitOptions): Started {
    const kind = mode === CloseMode.Soft ? "soft-close" : "close";
    return this.#begin(() => this.#runtime.ask({ kind, session: this.#line.id }), options);
  }
  closeWithModeAsync(mode: CloseMode, options?: WaitOptions): Started {
    return this.closeWithMode(mode, options);
  }
  closeWithModeAndWait(mode: CloseMode, options?: WaitOptions): Promise<Completion> {
    return this.closeWithMode(mode, options).wait(options);
  }
  closeWithModeAndWaitAsync(mode: CloseMode, options?: WaitOptions): Promise<Completion> {
    return this.closeWithMode(mode, options).wait(options);
  }

  /** Back after a soft close or a restart (SHB-11). Groups only. */
  rejoin(options?: WaitOptions): Started {
    return this.#begin(
      () => this.#runtime.ask({ kind: "rejoin", session: this.#line.id }),
      options,
    );
  }
  rejoinAsync(options?: WaitOptions): Started {
    return this.rejoin(options);
  }
  rejoinAndWait(options?: WaitOptions): Promise<Completion> {
    return this.rejoin(options).wait(options);
  }
  rejoinAndWaitAsync(options?: WaitOptions): Promise<Completion> {
    return this.rejoin(options).wait(options);
  }

  /**
   * Makes another member the moderator: this one, or the first in the order of the session (SHB-18). It has to be an app of this library
   * that is online; native apps follow. Moderators only.
   */
  handOver(to?: NameLike | null, options?: WaitOptions): Started {
    return this.#begin(
      () =>
        this.#runtime.ask({
          kind: "hand-over",
          session: this.#line.id,
          to: to === undefined || to === null ? undefined : slimNameOf(to),
        }),
      options,
    );
  }
  handOverAndWait(to?: NameLike | null, options?: WaitOptions): Promise<Completion> {
    return this.handOver(to, options).wait(options);
  }

  /**
   * Earlier messages of this group, oldest first: from this member, or from the first one online that keeps them and gives them
   * (`app.keepHistory`). They are that member's word: nobody else vouches for who wrote them. Rejects with `session/refused` where nobody gives
   * any, `session/unanswered` where nobody answers, and `session/unknown-member` where nobody is there to be asked.
   */
  async history(options: HistoryQuery = {}): Promise<HistoricMessage[]> {
    const { from, limit = 100, since = 0, signal } = options;
    const sinceMs = Math.trunc(Number(since));
    if (!Number.isSafeInteger(limit) || limit < 1 || !Number.isSafeInteger(sinceMs)) {
      throw new SessionError("session/bad-argument", { what: "history" });
    }
    const { toldBy, entries } = await this.#history.ask(this.#line, {
      from: from === undefined ? undefined : slimNameOf(from),
      limit,
      sinceMs: Math.max(sinceMs, 0),
      signal,
    });
    return entries.map((entry) => historicOf(entry, toldBy));
  }

  /** The same at all members. */
  sessionId(): number {
    return this.#line.id;
  }
  sessionType(): SessionType {
    const { kind } = this.#line.view.settings;
    return kind === "group" ? SessionType.Group : SessionType.PointToPoint;
  }
  isInitiator(): boolean {
    return this.#line.view.isInitiator;
  }
  metadata(): Map<string, string> {
    return new Map(this.#line.view.settings.metadata);
  }
  config(): SessionConfig {
    return configOf(this.#line.view);
  }
  /** This app, as it is called here (SSN-03). */
  source(): Name {
    return Name.of(this.#line.view.source);
  }
  /** The channel, or the peer. */
  destination(): Name {
    return Name.of(this.#runtime.view(this.#line).destination);
  }
  moderator(): Name {
    return Name.of(this.#runtime.view(this.#line).moderator);
  }
  /** Of the MLS group; undefined without MLS. */
  epoch(): bigint | undefined {
    return this.#runtime.view(this.#line).epoch;
  }
  /** Why it is over, once it is. */
  closed(): ClosedReason | undefined {
    return this.#line.closed;
  }

  /** Closes it for good, and waits until that is done or cannot be. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#line.closed !== undefined) return;
    await this.close()
      .wait()
      .catch(() => {});
  }

  static instanceOf(value: unknown): value is Session {
    return value instanceof Session;
  }

  async #next(
    timeout: Duration | null | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Delivery> {
    const timeoutMs =
      timeout === undefined || timeout === null ? undefined : millisecondsOf(timeout);
    const item = await this.#line.mailbox.take({
      timeoutMs,
      signal,
      timedOut: () =>
        new SessionError("session/timeout", { what: "message", limit: timeoutMs }, undefined, {
          tag: "SessionError",
          message: "receive timeout waiting for message",
        }),
    });
    this.#runtime.read(this.#line, item);
    return item;
  }

  #ask(kind: "invite" | "remove", participant: NameLike): Operation {
    return this.#runtime.ask({ kind, session: this.#line.id, name: slimNameOf(participant) });
  }

  /** What is wrong with the arguments is told like everything else: by whoever awaits. */
  #begin(work: () => Operation, options?: WaitOptions): Started {
    try {
      options?.signal?.throwIfAborted();
      return new Started(work(), this.#scheduler);
    } catch (error) {
      const failed = new Operation();
      failed.reject(error);
      return new Started(failed, this.#scheduler);
    }
  }

  #isOwnDestination(name: SlimName): boolean {
    const { destination } = this.#runtime.view(this.#line);
    return name.id === undefined
      ? formatSlimService(name) === formatSlimService(destination)
      : sameSlimName(name, destination);
  }
}

function listenerOf<Event extends keyof SessionEvents>(
  event: Event,
  listener: SessionEvents[Event],
): LineListener {
  if (event === "closed") return { closed: listener as SessionEvents["closed"] };
  if (event === "lost") {
    const tell = listener as SessionEvents["lost"];
    return {
      lost: ({ source, messageId }) => tell({ source: Name.of(source), messageId }),
    };
  }
  if (event === "participant") {
    const tell = listener as SessionEvents["participant"];
    return {
      participant: ({ kind, member }) =>
        tell({
          kind,
          name: Name.of(member.name),
          status: member.online ? ParticipantStatus.Online : ParticipantStatus.Offline,
        }),
    };
  }
  throw new SessionError("session/bad-argument", { what: "event" });
}
