import { CoterieError, equal, toHex } from "@coterie/base";
import type { Clock } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { opensslProvider as openssl } from "@coterie/crypto/openssl";
import { createSharedSecretIdentity, createSharedSecretVerifier } from "@coterie/identity/slim";
import { createAppCore } from "@coterie/session";
import type {
  AppCore,
  AppCoreParts,
  AppEffect,
  AppInput,
  Delivery,
  Outcome,
  SessionSettings,
} from "@coterie/session";
import {
  decodeSlimName,
  formatSlimName,
  formatSlimService,
  Message,
  parseSlimName,
  SessionMessageType,
} from "@coterie/wire/slim";
import type { Publish, SlimName } from "@coterie/wire/slim";

export { openssl as crypto };

export const secret = "0123456789abcdef0123456789abcdef";

/** How bad the network is. Chances from 0 to 1 for each delivery; `delayMs` is what it takes at least. */
export interface Weather {
  readonly loss?: number;
  readonly duplication?: number;
  /** Chance of taking up to `lateMs` longer, so that others overtake it. */
  readonly lateness?: number;
  readonly lateMs?: number;
  readonly delayMs?: number;
}

/** One message on its way to one app, for tests that watch or spoil it. */
export interface Passing {
  readonly from: string;
  readonly to: string;
  readonly type: number;
  readonly publish: Publish;
  readonly metadata: ReadonlyMap<string, string>;
}

/** `drop`: it never arrives; another message: that one arrives instead. */
export type Meddler = (passing: Passing) => "drop" | Partial<Passing> | undefined;

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

const start = 1_800_000_000_000;

/**
 * Signatures of this world are numbers that only their maker could have drawn, and are believed without mathematics: long stories have
 * hundreds of thousands of them. Anything else is verified as always.
 */
function trusting(provider: CryptoProvider): CryptoProvider {
  const signed = new Map<string, { readonly publicKey: string; readonly message: Uint8Array }>();
  const publicKeys = new WeakMap<Uint8Array, string>();
  return {
    ...provider,
    sign(name, privateKey, message) {
      const publicKey =
        publicKeys.get(privateKey) ?? toHex(provider.signaturePublicKey(name, privateKey));
      publicKeys.set(privateKey, publicKey);
      const signature = provider.bytes(16);
      signed.set(toHex(signature), { publicKey, message });
      return signature;
    },
    verify(name, publicKey, message, signature) {
      const known = signed.get(toHex(signature));
      return known === undefined
        ? provider.verify(name, publicKey, message, signature)
        : known.publicKey === toHex(publicKey) && equal(known.message, message);
    },
  };
}

/** Mulberry32: the same world for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const typeName = (type: number): string =>
  Object.entries(SessionMessageType).find(([, number]) => number === type)?.[0] ?? String(type);

/** Apps on one node, with a clock that moves when it is told to. */
export function createWorld(
  options: { readonly seed?: number; readonly weather?: Weather; readonly trusting?: boolean } = {},
) {
  const crypto = options.trusting === true ? trusting(openssl) : openssl;
  const random = seeded(options.seed ?? 1);
  let weather = options.weather ?? {};
  let now = 0;
  let order = 0;
  const events: Event[] = [];
  const routes = new Map<string, Set<App>>();
  const apps: App[] = [];
  const meddlers = new Set<Meddler>();
  const log: Passing[] = [];
  const clock: Clock = { nowNs: () => BigInt(Math.floor(start + now)) * 1_000_000n };

  const schedule = (delayMs: number, run: () => void): void => {
    events.push({ at: now + delayMs, order: order++, run });
  };

  function route(from: App, publish: Publish, metadata: ReadonlyMap<string, string>): void {
    const { header } = publish;
    const destination = decodeSlimName(header?.destination);
    const all = receivers(destination).filter((app) => app !== from);
    const chosen = header?.fanout === 1 ? all.slice(0, 1) : all;
    const bytes = Message.encode({ metadata, messageType: { kind: "publish", value: publish } });
    for (const to of chosen) {
      deliver(from, to, bytes);
      if (random() < (weather.duplication ?? 0)) deliver(from, to, bytes);
    }
  }

  function receivers(name: SlimName): App[] {
    if (name.id !== undefined) return [...(routes.get(formatSlimName(name)) ?? [])];
    const prefix = `${formatSlimService(name)}/`;
    return [...routes].flatMap(([key, at]) => (key.startsWith(prefix) ? Array.from(at) : []));
  }

  function deliver(from: App, to: App, bytes: Uint8Array): void {
    if (random() < (weather.loss ?? 0)) return;
    const late = random() < (weather.lateness ?? 0) ? random() * (weather.lateMs ?? 50) : 0;
    const { metadata, messageType } = Message.decode(bytes);
    if (messageType.kind !== "publish") return;
    const passing = {
      from: from.label,
      to: to.label,
      type: messageType.value.session?.sessionMessageType ?? 0,
      publish: messageType.value,
      metadata,
    };
    for (const meddle of meddlers) {
      const verdict = meddle(passing);
      if (verdict === "drop") return;
      Object.assign(passing, verdict);
    }
    schedule((weather.delayMs ?? 1) + late, () => {
      if (to.cut) return;
      log.push(passing);
      if (log.length > 20_000) log.splice(0, 10_000);
      to.step({
        kind: "received",
        publish: passing.publish,
        metadata: passing.metadata,
        connection: 1n,
      });
    });
  }

  class App {
    readonly label: string;
    core: AppCore;
    readonly tokenId: string;
    readonly parts: AppCoreParts;
    /** Everything it did, in order. */
    readonly effects: AppEffect[] = [];
    readonly delivered: { session: number; item: Delivery }[] = [];
    readonly joined: number[] = [];
    readonly closed: { session: number; reason: string }[] = [];
    readonly refused: string[] = [];
    readonly ended = new Map<number, Outcome | CoterieError>();
    /** What it stored, by session. */
    readonly stored = new Map<number, Map<string, Uint8Array>>();
    /** Hears nothing and says nothing, while true. */
    cut = false;
    #nextHandle = 1;
    #wake: number | undefined;

    constructor(label: string, given: Partial<AppCoreParts> & { readonly secret?: string }) {
      const { secret: own = secret, ...more } = given;
      this.label = label;
      const shared = { crypto, clock, secret: own };
      const identity =
        more.identity ?? createSharedSecretIdentity({ ...shared, baseId: label.split("#")[0]! });
      this.tokenId = identity.tokenId;
      this.parts = {
        crypto,
        clock,
        identity,
        verifier: createSharedSecretVerifier(shared),
        name: parseSlimName(label.split("#")[0]!),
        direction: "both",
        persistent: true,
        ...more,
      };
      this.core = createAppCore(this.parts);
      this.route(this.core.name);
    }

    route(name: SlimName): void {
      const key = formatSlimName(name);
      const at = routes.get(key) ?? new Set();
      routes.set(key, at.add(this));
    }

    get name(): SlimName {
      return this.core.name;
    }

    step(input: AppInput): void {
      for (const effect of this.core.step(input, now)) this.#do(effect);
      this.#arm();
    }

    #arm(): void {
      const { wakeAt } = this.core;
      if (wakeAt === undefined || (this.#wake !== undefined && this.#wake <= wakeAt)) return;
      const at = Math.max(wakeAt, now);
      this.#wake = at;
      schedule(at - now, () => {
        if (this.#wake !== at) return;
        this.#wake = undefined;
        this.step({ kind: "tick" });
      });
    }

    #do(effect: AppEffect): void {
      this.effects.push(effect);
      switch (effect.kind) {
        case "send":
          if (!this.cut) route(this, effect.publish, effect.metadata);
          return;
        case "subscribe":
          this.route(effect.name);
          schedule(1, () => this.step({ kind: "subscribed", request: effect.request }));
          return;
        case "unsubscribe":
          routes.get(formatSlimName(effect.name))?.delete(this);
          return;
        case "done":
          this.ended.set(effect.handle, effect.outcome);
          return;
        case "failed":
          this.ended.set(effect.handle, effect.error);
          return;
        case "joined":
          this.joined.push(effect.session);
          return;
        case "delivered":
          this.delivered.push({ session: effect.session, item: effect.item });
          return;
        case "closed":
          this.closed.push({ session: effect.session, reason: effect.reason });
          return;
        case "refused":
          this.refused.push(effect.reason);
          return;
        case "persist": {
          const entries = this.stored.get(effect.session) ?? new Map<string, Uint8Array>();
          this.stored.set(effect.session, entries);
          for (const key of effect.deletes) entries.delete(key);
          for (const [key, value] of effect.puts) entries.set(key, value);
          return;
        }
        case "forget":
          this.stored.delete(effect.session);
          return;
        case "created":
          return;
      }
    }

    /** Starts an operation; its number, to ask for its end by. */
    do(input: (handle: number) => AppInput): number {
      const handle = this.#nextHandle++;
      this.step(input(handle));
      return handle;
    }

    create(
      settings: Partial<SessionSettings>,
      destination: string,
    ): { session: number; handle: number } {
      const from = this.effects.length;
      const handle = this.do((handle) => ({
        kind: "create",
        handle,
        settings: { kind: "group", metadata: new Map(), ...settings },
        destination: parseSlimName(destination),
        connection: 1n,
      }));
      const created = this.effects
        .slice(from)
        .find((effect) => effect.kind === "created" && effect.handle === handle);
      if (created?.kind !== "created") throw new Error("not created");
      return { session: created.session, handle };
    }

    invite(session: number, name: string | SlimName): number {
      const target = typeof name === "string" ? parseSlimName(name) : name;
      return this.do((handle) => ({ kind: "invite", handle, session, name: target }));
    }

    remove(session: number, name: string | SlimName): number {
      const target = typeof name === "string" ? parseSlimName(name) : name;
      return this.do((handle) => ({ kind: "remove", handle, session, name: target }));
    }

    publish(
      session: number,
      text: string,
      more: { to?: SlimName; metadata?: Map<string, string> } = {},
    ): number {
      return this.do((handle) => ({
        kind: "publish",
        handle,
        session,
        to: more.to,
        payloadType: "msg",
        payload: new TextEncoder().encode(text),
        metadata: more.metadata ?? new Map(),
      }));
    }

    close(session: number): number {
      return this.do((handle) => ({ kind: "close", handle, session }));
    }

    softClose(session: number): number {
      return this.do((handle) => ({ kind: "soft-close", handle, session }));
    }

    rejoin(session: number): number {
      return this.do((handle) => ({ kind: "rejoin", handle, session }));
    }

    /** Ends as a process does that is killed, and comes up again with what it had stored. */
    restart(): void {
      this.core = createAppCore(this.parts);
      this.#wake = undefined;
      for (const [session, entries] of this.stored) {
        this.step({ kind: "restore", session, entries, connection: 1n });
      }
    }

    /** How an operation ended: undefined while it has not, the code of what it failed with, or what it gave. */
    outcome(handle: number): Outcome | string | undefined {
      const ended = this.ended.get(handle);
      return ended instanceof CoterieError ? ended.code : ended;
    }

    /** Texts that were delivered in a session. */
    texts(session: number): string[] {
      return this.delivered.flatMap((one) =>
        one.session === session && one.item.kind === "message"
          ? [new TextDecoder().decode(one.item.payload)]
          : [],
      );
    }

    /** Members of a session and whether they are online, by their label. */
    members(session: number): Record<string, boolean> {
      const view = this.core.session(session);
      return Object.fromEntries(
        (view?.members ?? [])
          .map(({ name, online }) => [labelOf(name), online] as const)
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      );
    }
  }

  const labelOf = (name: SlimName): string =>
    apps.find((app) => app.name.id === name.id)?.label ?? formatSlimName(name);

  /** Runs what is due until then. */
  function run(ms: number): void {
    const until = now + ms;
    for (;;) {
      let next: Event | undefined;
      for (const event of events) {
        if (
          next === undefined ||
          event.at < next.at ||
          (event.at === next.at && event.order < next.order)
        ) {
          next = event;
        }
      }
      if (next === undefined || next.at > until) break;
      events.splice(events.indexOf(next), 1);
      now = Math.max(now, next.at);
      next.run();
    }
    now = until;
  }

  return {
    random,
    clock,
    log,
    get now() {
      return now;
    },
    set weather(next: Weather) {
      weather = next;
    },
    app(label: string, parts: Partial<AppCoreParts> & { readonly secret?: string } = {}): App {
      const app = new App(label, parts);
      apps.push(app);
      return app;
    },
    crypto,
    run,
    /** Runs until it is so, at most so long; whether it is so. */
    until(condition: () => boolean, mostMs = 60_000): boolean {
      for (const end = now + mostMs; now < end && !condition();) run(Math.min(5, end - now));
      return condition();
    },
    /** Watches or spoils all deliveries; the function that is given back ends it. */
    meddle(meddler: Meddler): () => void {
      meddlers.add(meddler);
      return () => void meddlers.delete(meddler);
    },
    /** A message of one's own making, given to an app as if the node had brought it. */
    inject(to: App, publish: Publish, metadata: ReadonlyMap<string, string> = new Map()): void {
      to.step({ kind: "received", publish, metadata, connection: 1n });
    },
    /** Types of messages in the order of their arrival, such as `alice joinRequest bob`. */
    trace(): string[] {
      const short = (label: string): string => label.split("/").at(-1) as string;
      return log.map(({ from, to, type }) => `${short(from)} ${typeName(type)} ${short(to)}`);
    },
  };
}

export type World = ReturnType<typeof createWorld>;
export type WorldApp = ReturnType<World["app"]>;
