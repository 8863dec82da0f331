import type { AppConnection } from "@coterie/dataplane";
import { formatSlimName, formatSlimService } from "@coterie/wire/slim";
import type { Publish, SlimName } from "@coterie/wire/slim";
import type { ConnectionId } from "../core/port.ts";
import { SessionError } from "../errors.ts";
import type { AppLinks } from "./app-runtime.ts";
import { isAnyInstance, nameKey, serviceKey } from "./name-key.ts";

type Metadata = ReadonlyMap<string, string>;

/** Between the apps of one service, where nothing leaves the process. */
const inProcess: ConnectionId = 0n;

/** An app of this process, as the hub sees it. */
export interface LocalApp {
  receive(publish: Publish, metadata: Metadata, connection: ConnectionId): void;
  disconnected(connection: ConnectionId): void;
}

/** What one app has of the hub. */
export interface HubMember extends AppLinks {
  /** Holds a name on one connection, or on all there are and will be. */
  hold(name: SlimName, source: SlimName, connection: ConnectionId | undefined): Promise<void>;
  release(name: SlimName, source: SlimName, connection: ConnectionId | undefined): Promise<void>;
  setRoute(name: SlimName, connection: ConnectionId): void;
  removeRoute(name: SlimName, connection: ConnectionId): void;
  /** Where messages to this name go. Throws `session/no-connection` where that cannot be told. */
  connectionFor(name: SlimName): ConnectionId;
  /** Resolves once the node knows the names that are held everywhere; rejects where it refused. */
  ready(connection: ConnectionId): Promise<void>;
  leave(): Promise<void>;
}

interface Held {
  readonly name: SlimName;
  readonly source: SlimName;
  count: number;
  known: Promise<void>;
}

interface Everywhere {
  readonly name: SlimName;
  readonly source: SlimName;
}

interface Line {
  readonly id: ConnectionId;
  readonly endpoint: string;
  readonly connection: AppConnection;
}

interface Member {
  readonly app: LocalApp;
  readonly held: Map<string, Held>;
  readonly everywhere: Everywhere[];
  readonly routes: Map<string, ConnectionId>;
}

/** The connections and the apps of one service: who gets what comes in, and by which way it goes out. */
export class Hub {
  readonly #lines: Map<ConnectionId, Line> = new Map<ConnectionId, Line>();
  readonly #members: Set<Member> = new Set<Member>();
  /** By full name, and by service for whoever calls any instance. */
  readonly #local: Map<string, Set<Member>> = new Map<string, Set<Member>>();
  #nextId: ConnectionId = 1n;
  /** Spreads what is for any instance over those there are (SRT-02). */
  #turn = 0;

  add(endpoint: string, connect: (id: ConnectionId) => AppConnection): ConnectionId {
    const id = this.#nextId;
    this.#nextId += 1n;
    this.#lines.set(id, { id, endpoint, connection: connect(id) });
    for (const member of this.#members) {
      for (const one of member.everywhere) void this.#keep(member, id, one);
    }
    return id;
  }

  async remove(id: ConnectionId): Promise<void> {
    const line = this.#lines.get(id);
    if (line === undefined) return;
    this.#lines.delete(id);
    for (const member of this.#members) {
      for (const [key, { name }] of member.held) {
        if (!key.startsWith(`${id} `)) continue;
        member.held.delete(key);
        this.#unlist(member, name);
      }
      for (const [key, to] of member.routes) if (to === id) member.routes.delete(key);
      member.app.disconnected(id);
    }
    await line.connection.close();
  }

  get(id: ConnectionId): AppConnection | undefined {
    return this.#lines.get(id)?.connection;
  }

  find(endpoint: string): ConnectionId | undefined {
    for (const line of this.#lines.values()) if (line.endpoint === endpoint) return line.id;
    return undefined;
  }

  get connections(): readonly ConnectionId[] {
    return [...this.#lines.keys()];
  }

  /** What came over a connection: for the app that has the name, or for all who have it. */
  dispatch(publish: Publish, metadata: Metadata, connection: ConnectionId): void {
    if (this.#members.size === 1) {
      for (const { app } of this.#members) app.receive(publish, metadata, connection);
      return;
    }
    for (const { app } of this.#receivers(undefined, publish)) {
      app.receive(publish, metadata, connection);
    }
  }

  join(app: LocalApp): HubMember {
    const member: Member = { app, held: new Map(), everywhere: [], routes: new Map() };
    this.#members.add(member);
    return {
      send: (connection, publish, metadata) => this.#send(member, connection, publish, metadata),
      subscribe: (connection, name, source) => this.#hold(member, connection, name, source),
      unsubscribe: (connection, name, source) => this.#release(member, connection, name, source),
      hold: (name, source, connection) => this.#holdAt(member, name, source, connection),
      release: (name, source, connection) => this.#releaseAt(member, name, source, connection),
      setRoute: (name, connection) => {
        this.#known(connection);
        member.routes.set(formatSlimService(name), connection);
      },
      removeRoute: (name, connection) => {
        const key = formatSlimService(name);
        if (member.routes.get(key) === connection) member.routes.delete(key);
      },
      connectionFor: (name) => this.#connectionFor(member, name),
      ready: async (connection) => {
        const own = member.everywhere.map(({ name, source }) => keyOf(connection, name, source));
        await Promise.all(own.map((key) => member.held.get(key)?.known));
      },
      leave: () => this.#leave(member),
    };
  }

  #send(
    from: Member,
    asked: ConnectionId,
    publish: Publish,
    metadata: Metadata,
  ): Promise<unknown> | undefined {
    const { destination, fanout } = publish.header ?? {};
    if (this.#members.size > 1) {
      const near = this.#receivers(from, publish);
      for (const { app } of near) {
        // later, so that nobody is called while it calls
        queueMicrotask(() => app.receive(publish, metadata, asked));
      }
      if (fanout === 1 && near.length > 0) return undefined;
    }
    const id =
      from.routes.size > 0 && fanout === 1
        ? (from.routes.get(serviceKey(destination)) ?? asked)
        : asked;
    const room = this.#lines.get(id)?.connection.publish(publish, metadata);
    // what cannot go is not acknowledged, and the session's own timers see to it
    room?.catch(() => {});
    return room;
  }

  /** SRT-02, SRT-03: one of those who have the name, or all; never the sender. */
  #receivers(from: Member | undefined, publish: Publish): Member[] {
    const { destination, fanout } = publish.header ?? {};
    const key = isAnyInstance(destination) ? serviceKey(destination) : nameKey(destination);
    const found = [...(this.#local.get(key) ?? [])].filter((member) => member !== from);
    if (fanout !== 1 || found.length < 2) return found;
    this.#turn += 1;
    return [found[this.#turn % found.length] as Member];
  }

  #connectionFor(member: Member, name: SlimName): ConnectionId {
    const routed = member.routes.get(formatSlimService(name));
    if (routed !== undefined) return routed;
    const ids = this.connections;
    if (ids.length === 0) return inProcess;
    if (ids.length === 1) return ids[0] as ConnectionId;
    throw new SessionError("session/no-connection", { reason: "no route", count: ids.length });
  }

  #known(connection: ConnectionId): void {
    if (connection === inProcess || this.#lines.has(connection)) return;
    throw new SessionError("session/no-connection", { connection }, undefined, {
      message: `connection not found: ${connection}`,
    });
  }

  async #hold(
    member: Member,
    connection: ConnectionId,
    name: SlimName,
    source: SlimName,
  ): Promise<void> {
    this.#known(connection);
    const key = keyOf(connection, name, source);
    const known = member.held.get(key);
    if (known !== undefined) {
      known.count += 1;
      return known.known;
    }
    const line = this.#lines.get(connection);
    const told = line?.connection.subscribe(name, source) ?? Promise.resolve();
    const held: Held = { name, source, count: 1, known: told };
    member.held.set(key, held);
    this.#list(member, name);
    try {
      await told;
    } catch (error) {
      if (member.held.get(key) === held) {
        member.held.delete(key);
        this.#unlist(member, name);
      }
      throw error;
    }
  }

  async #release(
    member: Member,
    connection: ConnectionId,
    name: SlimName,
    source: SlimName,
  ): Promise<void> {
    const key = keyOf(connection, name, source);
    const held = member.held.get(key);
    if (held === undefined) {
      throw new SessionError("session/bad-argument", { reason: "subscription not found" });
    }
    held.count -= 1;
    if (held.count > 0) return;
    member.held.delete(key);
    this.#unlist(member, name);
    await this.#lines.get(connection)?.connection.unsubscribe(name, source);
  }

  async #holdAt(
    member: Member,
    name: SlimName,
    source: SlimName,
    connection: ConnectionId | undefined,
  ): Promise<void> {
    if (connection !== undefined) return this.#hold(member, connection, name, source);
    const one: Everywhere = { name, source };
    member.everywhere.push(one);
    const hold = async (id: ConnectionId): Promise<void> => {
      try {
        await this.#hold(member, id, name, source);
      } catch (error) {
        if (isLate(error)) void this.#keep(member, id, one);
        throw error;
      }
    };
    await Promise.all([inProcess, ...this.connections].map(hold));
  }

  /** Holds a name that is held everywhere on this connection, too, however long its node is not there. */
  async #keep(member: Member, id: ConnectionId, one: Everywhere): Promise<void> {
    while (this.#lines.has(id) && this.#members.has(member) && member.everywhere.includes(one)) {
      try {
        await this.#hold(member, id, one.name, one.source);
        return;
      } catch (error) {
        if (!isLate(error)) return;
      }
    }
  }

  async #releaseAt(
    member: Member,
    name: SlimName,
    source: SlimName,
    connection: ConnectionId | undefined,
  ): Promise<void> {
    if (connection !== undefined) return this.#release(member, connection, name, source);
    const at = member.everywhere.findIndex(
      (one) => formatSlimName(one.name) === formatSlimName(name),
    );
    if (at >= 0) member.everywhere.splice(at, 1);
    const held = [inProcess, ...this.connections].filter((id) =>
      member.held.has(keyOf(id, name, source)),
    );
    await Promise.all(held.map((id) => this.#release(member, id, name, source)));
  }

  async #leave(member: Member): Promise<void> {
    if (!this.#members.delete(member)) return;
    const held = [...member.held];
    member.held.clear();
    for (const [, { name }] of held) this.#unlist(member, name);
    await Promise.allSettled(
      held.map(([key, { name, source }]) => {
        const line = this.#lines.get(BigInt(key.slice(0, key.indexOf(" "))));
        return line?.connection.unsubscribe(name, source);
      }),
    );
  }

  #list(member: Member, name: SlimName): void {
    for (const key of localKeys(name)) {
      const members = this.#local.get(key) ?? new Set();
      this.#local.set(key, members.add(member));
    }
  }

  #unlist(member: Member, name: SlimName): void {
    const gone = formatSlimName(name);
    const still = [...member.held.values()].map((held) => held.name);
    const kept = new Set(
      still.filter((other) => formatSlimName(other) === gone).flatMap(localKeys),
    );
    const service = formatSlimService(name);
    if (still.some((other) => formatSlimService(other) === service)) kept.add(service);
    for (const key of localKeys(name)) {
      if (kept.has(key)) continue;
      const members = this.#local.get(key);
      members?.delete(member);
      if (members?.size === 0) this.#local.delete(key);
    }
  }
}

/** Nobody answered in time: it takes ten seconds each time. */
function isLate(error: unknown): boolean {
  return (error as { readonly code?: unknown } | null)?.code === "dataplane/timeout";
}

function keyOf(connection: ConnectionId, name: SlimName, source: SlimName): string {
  return `${connection} ${formatSlimName(name)} ${formatSlimName(source)}`;
}

const low64 = (1n << 64n) - 1n;

function localKeys(name: SlimName): string[] {
  const service = formatSlimService(name);
  if (name.id === undefined) return [service];
  return [service, `${service}/${name.id >> 64n}/${name.id & low64}`];
}
