import { createNode, openMemoryLog } from "@coterie/node";
import type { CoterieNode, NodeLog } from "@coterie/node";
import { Client } from "@coterie/client";
import type { ClientOptions, EngineEvent, EoaSigner } from "@coterie/client";
import { loadOpensslProvider } from "@coterie/crypto/openssl";
import type { CryptoProvider } from "@coterie/crypto";
import { StorageError, createMemoryStore } from "@coterie/storage";
import type { Store } from "@coterie/storage";
import { createMemoryTransport } from "@coterie/transport";
import type { CallFault, MemoryTransport } from "@coterie/transport";
import { createVirtualClock } from "./clock.ts";
import type { VirtualClock } from "./clock.ts";
import { seededRandom } from "./random.ts";
import type { SeededRandom } from "./random.ts";
import { tampered } from "./tamper.ts";
import type { StreamTamper, Swallow, Tamper } from "./tamper.ts";
import { testWallet } from "./wallet.ts";

const crypto = await loadOpensslProvider();

/** One installation in the world. `client` changes when it is restarted; everything else stays. */
export interface Actor {
  readonly name: string;
  readonly signer: EoaSigner;
  readonly store: Store;
  client: Client;
  /** Everything the engine told since the actor came. */
  readonly events: EngineEvent[];
  /** Chooses faults of its next calls; undefined lets all through. */
  fault: ((path: string) => CallFault | undefined) | undefined;
  /** Changes answers of the node to its calls, what its streams bring, and which of its calls arrive. */
  tamper: Tamper | undefined;
  streamTamper: StreamTamper | undefined;
  swallow: Swallow | undefined;
  /** Fails its next writes to the store, as a full disk or a crash would. */
  failWrites: (() => boolean) | undefined;
  transport: MemoryTransport;
  /** Ends the client as a crash would, with whatever it had under way, and opens a new one on the same store. */
  restart(): Promise<Client>;
}

export interface World {
  readonly crypto: CryptoProvider;
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly node: CoterieNode;
  readonly log: NodeLog;
  /** A new person, or a further installation of one with the same `wallet`. */
  join(
    name: string,
    options?: Partial<ClientOptions> & { readonly wallet?: string },
  ): Promise<Actor>;
  close(): Promise<void>;
}

export interface WorldOptions {
  readonly seed?: number | undefined;
  /** Background work of the clients; off by default, so that stories say when things happen. */
  readonly workers?: boolean | undefined;
  readonly selfMovingMs?: number | undefined;
  /** Asks chains for the node; none by default. */
  readonly contracts?: ClientOptions["contracts"];
}

/** The store of an actor survives its client. */
function keptOpen(store: Store, fails: () => boolean): Store {
  return {
    get: (key) => store.get(key),
    getMany: (keys) => store.getMany(keys),
    list: (range) => store.list(range),
    async write(changes) {
      if (fails()) throw new StorageError("storage/io", {});
      await store.write(changes);
    },
    close: () => Promise.resolve(),
  };
}

/** A node and clients in one process, on a clock that tests move. */
export function createWorld(options: WorldOptions = {}): World {
  const seed = options.seed ?? 1;
  const clock = createVirtualClock(
    undefined,
    options.selfMovingMs ?? (options.workers ? 900 : 60_000),
  );
  const random = seededRandom(seed);
  const log = openMemoryLog({ clock });
  const node = createNode({ log, clock, crypto, contracts: options.contracts });
  const actors: Actor[] = [];

  async function join(
    name: string,
    chosen: Partial<ClientOptions> & { readonly wallet?: string } = {},
  ): Promise<Actor> {
    const { wallet = name, ...more } = chosen;
    const signer = testWallet(crypto, wallet, seed);
    const store = more.store && typeof more.store !== "function" ? more.store : createMemoryStore();
    const events: EngineEvent[] = [];
    const open = async (): Promise<{ client: Client; transport: MemoryTransport }> => {
      const transport = createMemoryTransport(node.routes, {
        faults: ({ path }) => actor?.fault?.(path),
        peer: name,
      });
      const client = await Client.create(signer, {
        crypto,
        clock,
        random: crypto,
        timers: clock,
        workers: options.workers ?? false,
        ...more,
        store: keptOpen(store, () => actor?.failWrites?.() === true),
        transport: tampered(transport, () => actor),
      });
      client.onEvent((event) => events.push(event));
      return { client, transport };
    };
    let actor: Actor | undefined;
    const opened = await open();
    actor = {
      name,
      signer,
      store,
      events,
      fault: undefined,
      tamper: undefined,
      streamTamper: undefined,
      swallow: undefined,
      failWrites: undefined,
      ...opened,
      async restart() {
        const made = actor as Actor;
        await made.client.close();
        made.fault = undefined;
        made.failWrites = undefined;
        Object.assign(made, await open());
        return made.client;
      },
    };
    actors.push(actor);
    return actor;
  }

  return {
    crypto,
    clock,
    random,
    node,
    log,
    join,
    async close() {
      for (const { client } of actors) await client.close();
      node.close();
    },
  };
}
