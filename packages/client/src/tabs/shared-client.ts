import { silentLog, systemClock } from "@coterie/base";
import type { Clock, Log } from "@coterie/base";
import type { PublicIdentifier } from "@coterie/identity";
import type { Client } from "../client.ts";
import { ClientError } from "../errors.ts";
import { createDesk } from "./desk.ts";
import { createFacade } from "./facade.ts";
import type { OwnFacts } from "./protocol.ts";
import type { ServedClient, ServedConversations, ServedPreferences } from "./served.ts";
import { createSwitchboard } from "./switchboard.ts";
import type { TabChannel } from "./switchboard.ts";

/** What tabs of one origin share: a lock that ends with its tab, and a channel that all of them hear. */
export interface TabPlatform {
  readonly locks: Pick<LockManager, "request">;
  readonly openChannel: (name: string) => TabChannel;
}

export interface ShareOptions {
  /** The same for all tabs that share one client, and for no others. */
  readonly name: string;
  /** Opens the client. Called in the tab that leads, and in the next one when that is gone. */
  readonly open: () => Promise<Client>;
  readonly platform: TabPlatform;
  /** The clock of the client. */
  readonly clock?: Clock | undefined;
  readonly log?: Log | undefined;
}

/**
 * One client for all tabs. One tab runs it, the others ask that one; when it is gone, the next takes over: calls that may be
 * repeated are, streams go on where they were, and messages are neither lost nor doubled. A call that may or may not have
 * happened fails with `client/interrupted`: look before trying again.
 */
export interface SharedClient {
  readonly inboxId: string;
  readonly installationId: string;
  readonly accountIdentifier: PublicIdentifier;
  readonly conversations: ServedConversations;
  readonly preferences: ServedPreferences;
  readonly account: ServedClient;
  /** Whether this tab runs the client. */
  readonly isLeader: boolean;
  /** Hears each time a tab takes over. Returns how to stop. */
  onLeader(listener: () => void): () => void;
  /** Takes this tab out. The client ends with its last tab. */
  close(): Promise<void>;
}

/** How long a tab that failed to take over leaves it to others. */
const retryMs = 1_000;

/** Joins the tabs of this name, as the leader or as one of the others. Resolves once there is a leader that has opened the client. */
export async function shareClient(options: ShareOptions): Promise<SharedClient> {
  const { name, platform, log = silentLog } = options;
  const { locks } = platform;
  const listeners = new Set<() => void>();
  const abort = new AbortController();
  let leading: { readonly client: Client } | undefined;
  let own: OwnFacts | undefined;
  let joined!: { resolve(own: OwnFacts): void; reject(error: unknown): void };
  const joining = new Promise<OwnFacts>((resolve, reject) => (joined = { resolve, reject }));

  const board = createSwitchboard({
    channel: platform.openChannel(`coterie:${name}`),
    onLeader(facts) {
      own = facts;
      joined.resolve(facts);
      for (const listener of listeners) listener();
    },
    whenGone(tab, then) {
      const waiting = new AbortController();
      locks.request(`coterie-tab:${tab}`, { signal: waiting.signal }, then).catch(ignore);
      return () => waiting.abort();
    },
  });
  // Held as long as this tab lives: whoever gets it knows that the tab is gone.
  const alive = deferred();
  locks.request(`coterie-tab:${board.tab}`, () => alive.promise).catch(ignore);
  const left = deferred();
  const ended = campaign();

  async function campaign(): Promise<void> {
    while (!abort.signal.aborted) {
      const { signal } = abort;
      await locks.request(`coterie-leader:${name}`, { signal }, lead).catch(ignore);
      if (!abort.signal.aborted) await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }

  /** Runs the client for all tabs until this one leaves. */
  async function lead(): Promise<void> {
    if (abort.signal.aborted) return;
    let client: Client;
    try {
      client = await options.open();
    } catch (error) {
      log.write("warn", "tab-cannot-lead", { error: String(error) });
      joined.reject(error);
      board.failWaiting(error);
      return;
    }
    leading = { client };
    const { inboxId, installationId, accountIdentifier } = client;
    if (!abort.signal.aborted) {
      board.lead(createDesk(client), { inboxId, installationId, accountIdentifier });
      await left.promise;
    }
    await client.close();
  }

  let closing: Promise<void> | undefined;
  function close(): Promise<void> {
    closing ??= (async () => {
      abort.abort();
      board.close();
      left.resolve();
      alive.resolve();
      joined.reject(new ClientError("client/closed"));
      await ended;
    })();
    return closing;
  }

  const facade = createFacade(board, options.clock ?? systemClock);
  let facts: OwnFacts;
  try {
    facts = await joining;
  } catch (error) {
    await close();
    throw error;
  }
  return {
    get inboxId() {
      return (own ?? facts).inboxId;
    },
    get installationId() {
      return (own ?? facts).installationId;
    },
    get accountIdentifier() {
      return (own ?? facts).accountIdentifier;
    },
    conversations: facade.object<ServedConversations>({ kind: "conversations" }),
    preferences: facade.object<ServedPreferences>({ kind: "preferences" }),
    account: facade.object<ServedClient>({ kind: "client" }),
    get isLeader() {
      return leading !== undefined && closing === undefined;
    },
    onLeader(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close,
  };
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

function ignore(): void {}
