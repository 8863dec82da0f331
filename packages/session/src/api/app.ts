import { createAppCore } from "../core/app-core.ts";
import type { Direction as CoreDirection } from "../core/port.ts";
import type { SlimName } from "@coterie/wire/slim";
import { SessionError } from "../errors.ts";
import { createHistory } from "../history/history.ts";
import type { History } from "../history/history.ts";
import { AppRuntime } from "../runtime/app-runtime.ts";
import type { HubMember } from "../runtime/hub.ts";
import type { SessionLine } from "../runtime/session-line.ts";
import type { SessionStore } from "../runtime/session-store.ts";
import type { AcceptController } from "../control/trust.ts";
import { createControllers } from "./controllers.ts";
import type { Controllers } from "./controllers.ts";
import type { AppParts } from "./app-parts.ts";
import { settingsOf } from "./config/session.ts";
import type { SessionConfig } from "./config/session.ts";
import { recordOf } from "./config/variant.ts";
import type { RecordMaker } from "./config/variant.ts";
import { millisecondsOf } from "./duration.ts";
import type { Duration } from "./duration.ts";
import { Direction } from "./enums.ts";
import { AwaitableHandle } from "./handle.ts";
import type { Completion, CompletionHandle, Started, WaitOptions } from "./handle.ts";
import { keeperOf } from "./history.ts";
import type { HistoryOptions } from "./history.ts";
import { createInviteGate } from "./invitation.ts";
import type { InviteAsker, InviteGate, InvitePolicy } from "./invitation.ts";
import { Name, slimNameOf } from "./name.ts";
import type { NameLike } from "./name.ts";
import { partsAtHome } from "./home.ts";
import { sharedSecret } from "./identity.ts";
import type { Platform, ProviderLike, VerifierLike } from "./platform.ts";
import { Session } from "./session.ts";
import { connectionError } from "./translate.ts";
import { waitFor } from "./wait.ts";

export interface SessionWithCompletion {
  session: Session;
  /** Done once the peer has joined; a group's at once (SGR-01, SPP-01). */
  completion: CompletionHandle & PromiseLike<Completion>;
}
export const SessionWithCompletion: RecordMaker<SessionWithCompletion> = recordOf();

const directions: Record<Direction, CoreDirection> = {
  [Direction.Send]: "send",
  [Direction.Recv]: "receive",
  [Direction.Bidirectional]: "both",
  [Direction.None]: "none",
};

/** How long an app that is closed waits for those it takes leave of, in milliseconds. */
const farewellMs = 3000;

/** One participant: a name, an identity, and the sessions it is in. */
export class App implements AsyncDisposable {
  readonly #platform: Platform;
  readonly #runtime: AppRuntime;
  readonly #member: HubMember;
  readonly #store: SessionStore | undefined;
  readonly #gate: InviteGate;
  readonly #controllers: Controllers;
  readonly #whenClosed: AppParts["closed"];
  readonly #sessions: WeakMap<SessionLine, Session> = new WeakMap<SessionLine, Session>();
  readonly #history: History;
  #closing: Promise<void> | undefined;

  /** An app of the global service, which `initializeWithDefaults` or `getGlobalService` makes. Other services make their own apps. */
  constructor(
    baseName: NameLike,
    provider: ProviderLike,
    verifier: VerifierLike,
    parts: AppParts = partsAtHome(baseName, provider, verifier, Direction.Bidirectional),
  ) {
    const { platform, hub, identity } = parts;
    const believed = parts.verifier;
    this.#platform = platform;
    this.#store = parts.store;
    this.#whenClosed = parts.closed;
    this.#gate = createInviteGate(platform.scheduler);
    const core = createAppCore({
      crypto: platform.crypto,
      clock: platform.clock,
      identity,
      verifier: believed,
      name: parts.name,
      direction: directions[parts.direction],
      persistent: parts.store !== undefined,
      onInvite: (invitation) =>
        this.#controllers.decide(invitation) ??
        this.#gate.decide(invitation, this.#runtime.repeater()),
    });
    this.#member = hub.join({
      receive: (publish, metadata, connection) =>
        this.#runtime.receive(publish, metadata, connection),
      disconnected: (connection) => this.#runtime.step({ kind: "disconnected", connection }),
    });
    this.#runtime = new AppRuntime({
      core,
      links: this.#member,
      scheduler: platform.scheduler,
      store: parts.store,
      prepare: believed.prepare === undefined ? undefined : (token) => believed.prepare?.(token),
      log: platform.log,
    });
    this.#history = createHistory({
      runtime: this.#runtime,
      scheduler: platform.scheduler,
      clock: platform.clock,
      random: platform.crypto,
      log: platform.log,
    });
    this.#member.hold(core.name, core.name, undefined).catch(() => {});
    this.#controllers = createControllers({
      name: core.name,
      crypto: platform.crypto,
      clock: platform.clock,
      verifier: believed,
      runtime: this.#runtime,
      member: this.#member,
      sessionOf: (line) => this.#sessionOf(line),
    });
    this.#runtime.intercept = (line) => this.#controllers.take(line);
    // only who sends and receives can be asked and answer (SSN-10)
    if (parts.direction === Direction.Bidirectional)
      this.acceptController("verified").catch(() => {});
    parts.opened(this);
  }

  static newWithDirection(
    name: NameLike,
    provider: ProviderLike,
    verifier: VerifierLike,
    direction: Direction,
  ): App {
    return new App(name, provider, verifier, partsAtHome(name, provider, verifier, direction));
  }

  static newWithSecret(name: NameLike, secret: string): App {
    const { provider, verifier } = sharedSecret(name, secret);
    return new App(name, provider, verifier);
  }

  /** The instance's id as a UUID: the hash of its token id (SNM-04). */
  id(): string {
    return this.name().id();
  }

  /** The low half of the id in decimal, as 1.x wrote ids (SNM-10). */
  decimalId(): string {
    return BigInt.asUintN(64, this.#runtime.core.name.id ?? 0n).toString();
  }

  name(): Name {
    return Name.of(this.#runtime.core.name);
  }

  /**
   * Answers to one more name, under this app's own id, on one connection or on all. Its own name it answers to without that. Rejects with
   * `session/connection-failed` or `session/no-connection`.
   */
  async subscribe(
    name: NameLike,
    connectionId?: bigint | null,
    options?: WaitOptions,
  ): Promise<void> {
    const own = this.#ownName(name);
    options?.signal?.throwIfAborted();
    await this.#told(this.#member.hold(own, own, connectionId ?? undefined), options);
    this.#runtime.step({ kind: "answer-to", name: own });
  }
  subscribeAsync(
    name: NameLike,
    connectionId?: bigint | null,
    options?: WaitOptions,
  ): Promise<void> {
    return this.subscribe(name, connectionId, options);
  }

  async unsubscribe(
    name: NameLike,
    connectionId?: bigint | null,
    options?: WaitOptions,
  ): Promise<void> {
    const own = this.#ownName(name);
    options?.signal?.throwIfAborted();
    this.#runtime.step({ kind: "stop-answering-to", name: own });
    await this.#told(this.#member.release(own, own, connectionId ?? undefined), options);
  }
  unsubscribeAsync(
    name: NameLike,
    connectionId?: bigint | null,
    options?: WaitOptions,
  ): Promise<void> {
    return this.unsubscribe(name, connectionId, options);
  }

  /** Messages to this name go over this connection. With one connection all do, and no route is needed (SRT-11). */
  async setRoute(name: NameLike, connectionId: bigint, _options?: WaitOptions): Promise<void> {
    this.#member.setRoute(slimNameOf(name), connectionId);
  }
  setRouteAsync(name: NameLike, connectionId: bigint, options?: WaitOptions): Promise<void> {
    return this.setRoute(name, connectionId, options);
  }
  async removeRoute(name: NameLike, connectionId: bigint, _options?: WaitOptions): Promise<void> {
    this.#member.removeRoute(slimNameOf(name), connectionId);
  }
  removeRouteAsync(name: NameLike, connectionId: bigint, options?: WaitOptions): Promise<void> {
    return this.removeRoute(name, connectionId, options);
  }

  /** Begins a session: a group on a channel of this name, or a conversation with this app. */
  async createSession(
    config: SessionConfig,
    destination: NameLike,
    options?: WaitOptions,
  ): Promise<SessionWithCompletion> {
    const to = slimNameOf(destination);
    const settings = settingsOf(config);
    const connection = this.#member.connectionFor(to);
    options?.signal?.throwIfAborted();
    // answers come to our name: the node has to know it first
    await this.#told(this.#member.ready(connection), options);
    const { operation, line } = await this.#runtime.create(settings, to, connection);
    return {
      session: this.#sessionOf(line),
      completion: new AwaitableHandle(operation, this.#platform.scheduler),
    };
  }
  createSessionAsync(
    config: SessionConfig,
    destination: NameLike,
    options?: WaitOptions,
  ): Promise<SessionWithCompletion> {
    return this.createSession(config, destination, options);
  }

  /** `createSession`, and then the session once it is complete. One that does not get so far is closed. */
  async createSessionAndWait(
    config: SessionConfig,
    destination: NameLike,
    options?: WaitOptions,
  ): Promise<Session> {
    const { session, completion } = await this.createSession(config, destination, options);
    try {
      await completion.wait(options);
    } catch (error) {
      if (session.closed() === undefined) session.close();
      throw error;
    }
    return session;
  }
  createSessionAndWaitAsync(
    config: SessionConfig,
    destination: NameLike,
    options?: WaitOptions,
  ): Promise<Session> {
    return this.createSessionAndWait(config, destination, options);
  }

  /** The next session that somebody else began and this app has joined. Without a timeout it waits for as long as that takes. */
  async listenForSession(timeout?: Duration | null, options?: WaitOptions): Promise<Session> {
    const timeoutMs =
      timeout === undefined || timeout === null ? undefined : millisecondsOf(timeout);
    const line = await this.#runtime.joined.take({
      timeoutMs,
      signal: options?.signal,
      timedOut: () =>
        new SessionError("session/timeout", { what: "session", limit: timeoutMs }, undefined, {
          tag: "ReceiveError",
          message: "listen_for_session timed out",
        }),
    });
    return this.#sessionOf(line);
  }
  listenForSessionAsync(timeout?: Duration | null, options?: WaitOptions): Promise<Session> {
    return this.listenForSession(timeout, options);
  }

  /** Closes a session of this app for good. */
  deleteSession(session: Session, options?: WaitOptions): Started {
    return session.close(options);
  }
  deleteSessionAsync(session: Session, options?: WaitOptions): Started {
    return session.close(options);
  }
  deleteSessionAndWait(session: Session, options?: WaitOptions): Promise<Completion> {
    return session.close(options).wait(options);
  }
  deleteSessionAndWaitAsync(session: Session, options?: WaitOptions): Promise<Completion> {
    return session.close(options).wait(options);
  }

  /** The sessions that were open when this app, made with persistence, last stopped. Groups come back with `rejoin()` (SHB-17). */
  async restoreSessions(connId: bigint, options?: WaitOptions): Promise<Session[]> {
    options?.signal?.throwIfAborted();
    if (this.#store === undefined) return [];
    await this.#told(this.#member.ready(connId), options);
    const restored: Session[] = [];
    for (const [session, entries] of await this.#store.load()) {
      const line = this.#runtime.restore(session, entries, connId);
      if (line === undefined || this.#controllers.take(line)) continue;
      restored.push(this.#sessionOf(line));
    }
    return restored;
  }
  restoreSessionsAsync(connId: bigint, options?: WaitOptions): Promise<Session[]> {
    return this.restoreSessions(connId, options);
  }

  /**
   * Who may take this app into a session (SGR-21); everybody whose token is right, unless told otherwise. `ask` is called where the
   * policy says "ask".
   */
  onInvite(policy: InvitePolicy | undefined, ask?: InviteAsker): void {
    this.#gate.use(policy, ask);
  }

  /**
   * Which controllers may have this app moderate channels (SCT-24): `"none"`, a list of base ids, or `"verified"`, the default of apps that send and
   * receive: any that shows an identity which this app's verifier takes and whose base id ends in `/slim-controller`. Such channels come out of
   * `listenForSession` like others, with this app as their initiator.
   */
  acceptController(accept: AcceptController): Promise<void> {
    return this.#controllers.use(accept);
  }

  /**
   * Keeps the newest messages of its groups from now on, for members that came later and ask for them by `session.history()`; `mayHave` decides about
   * each of them. Nothing is kept otherwise, and with `undefined` no longer: with MLS, who joins later reads nothing earlier unless its group
   * wants that. In memory, or in a store of one's own, which should be an encrypted one.
   */
  keepHistory(options: HistoryOptions | undefined): void {
    this.#history.keep(options && keeperOf(options));
  }

  /** What was refused since the start, by reason. */
  refusals(): ReadonlyMap<string, number> {
    return new Map(this.#runtime.refused);
  }

  /**
   * Ends its sessions and gives its names back. Sessions that are kept in a store stay as they are there: whoever restores them goes on.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  static instanceOf(value: unknown): value is App {
    return value instanceof App;
  }

  async #close(): Promise<void> {
    const lines = this.#runtime.lines();
    if (this.#store === undefined) {
      const closing = lines.map((line) => this.#sessionOf(line)[Symbol.asyncDispose]());
      const { scheduler } = this.#platform;
      // members who hear nothing of it find out by themselves
      await waitFor(Promise.all(closing), {
        scheduler,
        timeoutMs: farewellMs,
        timedOut: () => undefined,
      }).catch(() => {});
    }
    this.#runtime.end(new SessionError("session/closed", {}, undefined, { message: "app closed" }));
    await this.#runtime.flushed();
    await this.#member.leave();
    await this.#store?.close();
    this.#whenClosed(this);
  }

  #ownName(name: NameLike): SlimName {
    const { organization, namespace, service } = slimNameOf(name);
    return { organization, namespace, service, id: this.#runtime.core.name.id };
  }

  #sessionOf(line: SessionLine): Session {
    const known = this.#sessions.get(line);
    if (known !== undefined) return known;
    const session = new Session(this.#runtime, line, this.#platform.scheduler, this.#history);
    this.#sessions.set(line, session);
    return session;
  }

  async #told(asked: Promise<void>, options: WaitOptions | undefined): Promise<void> {
    try {
      const { scheduler } = this.#platform;
      await waitFor(asked, { scheduler, signal: options?.signal, timedOut: () => undefined });
    } catch (error) {
      throw options?.signal?.aborted === true ? error : connectionError(error);
    }
  }
}
