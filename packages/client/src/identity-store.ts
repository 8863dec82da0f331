import {
  applyUpdate,
  createSignatureCache,
  decodeState,
  encodeState,
  installationsOf,
  neededContractChecks,
  parseUpdate,
  resolveContractChecks,
  verifyUpdate,
} from "@coterie/identity";
import type { AssociationState, ContractVerdicts, SmartContractVerifier } from "@coterie/identity";
import { decodeKey } from "@coterie/storage";
import type { Change } from "@coterie/storage";
import { TransportError } from "@coterie/transport";
import type { GetIdentityUpdatesResponseIdentityUpdateLog, IdentityUpdate } from "@coterie/wire";
import type { Api } from "./api.ts";
import { inChunks } from "./chunks.ts";
import { limits } from "./engine/limits.ts";
import type { IdentityPoint, IdentityView } from "./engine/membership.ts";
import { keys } from "./keys.ts";
import { nodeContractVerifier } from "./node-contracts.ts";
import { canHeal, isTooMuch, Lock, refetchable } from "./run.ts";
import type { Ports } from "./run.ts";

interface InboxLog {
  readonly states: Map<bigint, AssociationState>;
  /** Newest id with a state; 0 where there is none. */
  newest: bigint;
}

/** Verified inbox logs: states by exact sequence id (XID-31), in memory as far as they were asked for, all of them in the store. */
export interface IdentityStore {
  /** What steps look at; `notFound` names points that a load could not find. */
  view(notFound?: ReadonlySet<string>): IdentityView;
  /** Makes points known, from the store or the node. Answers with those that the log does not have. */
  load(points: readonly IdentityPoint[]): Promise<ReadonlySet<string>>;
  /** Asks the node for news of these inboxes and answers with their newest ids (XGC-50). Inboxes without a log are absent. */
  refresh(inboxIds: readonly string[]): Promise<ReadonlyMap<string, bigint>>;
  /** The newest state as known here, after {@link refresh} where it must be fresh. */
  state(inboxId: string): Promise<AssociationState | undefined>;
  /** A state by exact id, if it is known here. */
  stateAt(inboxId: string, sequenceId: bigint): AssociationState | undefined;
  readonly contracts: SmartContractVerifier;
  /** Verifies one update over the newest state known here (XID-44). Throws an IdentityError. */
  check(update: IdentityUpdate, verdicts?: ContractVerdicts): Promise<AssociationState>;
}

type Answers = ReadonlyMap<string, readonly GetIdentityUpdatesResponseIdentityUpdateLog[]>;

function pointKey({ inboxId, sequenceId }: IdentityPoint): string {
  return `${inboxId}@${sequenceId}`;
}

const maxInboxes = 4_096;

export function createIdentityStore(
  ports: Pick<Ports, "crypto" | "store" | "log"> & {
    /** Asks chains about contract wallets; the node by default (XID-12). */
    readonly contracts?: SmartContractVerifier | undefined;
  },
  api: Pick<Api, "getIdentityUpdates" | "verifyContractSignatures">,
): IdentityStore {
  const { crypto, store, log } = ports;
  const inboxes = new Map<string, InboxLog>();
  const cache = createSignatureCache();
  const contracts = ports.contracts ?? nodeContractVerifier(api);
  const installations = new WeakMap<AssociationState, ReadonlySet<string>>();

  function installationSet(state: AssociationState): ReadonlySet<string> {
    let known = installations.get(state);
    if (!known) {
      known = new Set(installationsOf(state));
      installations.set(state, known);
    }
    return known;
  }

  function stateBefore(
    inbox: InboxLog,
    sequenceId: bigint,
  ): { sequenceId: bigint; installations: ReadonlySet<string> } | undefined {
    let last: bigint | undefined;
    for (const id of inbox.states.keys()) {
      if (id <= sequenceId && (last === undefined || id > last)) last = id;
    }
    if (last === undefined) return undefined;
    const state = inbox.states.get(last) as AssociationState;
    return { sequenceId: last, installations: installationSet(state) };
  }

  async function open(inboxId: string): Promise<InboxLog> {
    const known = inboxes.get(inboxId);
    if (known) {
      inboxes.delete(inboxId);
      inboxes.set(inboxId, known);
      return known;
    }
    const rows = await store.list(keys.associationStatesOf(inboxId));
    const states = new Map<bigint, AssociationState>();
    let newest = 0n;
    for (const { key, value } of rows) {
      const sequenceId = decodeKey(key)[2] as bigint;
      states.set(sequenceId, decodeState(value));
      newest = sequenceId;
    }
    // Another call may have opened it meanwhile.
    const opened = inboxes.get(inboxId) ?? { states, newest };
    inboxes.set(inboxId, opened);
    if (inboxes.size > maxInboxes) inboxes.delete(inboxes.keys().next().value as string);
    return opened;
  }

  /** One question to the chains for a whole answer of the node; usually there is nothing to ask. */
  function askChains(
    logs: readonly (readonly GetIdentityUpdatesResponseIdentityUpdateLog[])[],
  ): Promise<ContractVerdicts> {
    const checks = logs.flat().flatMap(({ update }) => {
      try {
        return update ? neededContractChecks(crypto, parseUpdate(update)) : [];
      } catch {
        // Refused when its turn comes.
        return [];
      }
    });
    return resolveContractChecks(crypto, contracts, checks);
  }

  /**
   * Answers with what stopped it, where that says nothing about the log. An update that does not verify ends this answer and no more (XID-20):
   * it may have been spoiled on the way, so that what comes after it is late, not missing, until patience ends (XCV-11).
   */
  async function append(
    inboxId: string,
    updates: readonly GetIdentityUpdatesResponseIdentityUpdateLog[],
    verdicts: ContractVerdicts,
    changes: Change[],
  ): Promise<unknown> {
    const inbox = await open(inboxId);
    let state = inbox.states.get(inbox.newest);
    for (const { sequenceId, update } of updates) {
      if (!update || sequenceId <= inbox.newest) continue;
      try {
        const parsed = parseUpdate(update);
        const verified = verifyUpdate({ crypto, cache, contracts: verdicts }, parsed);
        state = applyUpdate(crypto, state, verified);
        if (state.inboxId !== inboxId) throw new Error("log of another inbox");
      } catch (error) {
        if (canHeal(error)) return error;
        log.write("warn", "bad-identity-update", { inboxId, sequenceId, error: String(error) });
        return undefined;
      }
      inbox.states.set(sequenceId, state);
      inbox.newest = sequenceId;
      changes.push({
        kind: "put",
        key: keys.associationState(inboxId, sequenceId),
        value: encodeState(state),
      });
    }
    return undefined;
  }

  // One at a time: two answers about one inbox must not be applied over each other.
  const lock = new Lock();
  const fetch = (inboxIds: readonly string[]): Promise<ReadonlyMap<string, unknown>> =>
    lock.run(() => fetchNow(inboxIds));

  /** Answers with the inboxes that have updates which cannot be judged now, because a chain cannot be asked, and why. */
  async function fetchNow(inboxIds: readonly string[]): Promise<ReadonlyMap<string, unknown>> {
    const unique = [...new Set(inboxIds)];
    const held = new Map<string, unknown>();
    const ask = async (chunk: readonly string[]): Promise<Answers | TransportError> => {
      const requests = await Promise.all(
        chunk.map(async (inboxId) => ({ inboxId, sequenceId: (await open(inboxId)).newest })),
      );
      try {
        return await api.getIdentityUpdates(requests);
      } catch (error) {
        if (isTooMuch(error) && chunk.length > 1) return error;
        throw error;
      }
    };
    const use = async (
      chunk: readonly string[],
      answers: Answers | TransportError,
    ): Promise<void> => {
      if (answers instanceof TransportError) {
        // The logs of all together are too much for one answer.
        return inChunks(chunk, Math.ceil(chunk.length / 2), ask, use);
      }
      const changes: Change[] = [];
      const logs = chunk.map((inboxId) => answers.get(inboxId) ?? []);
      let verdicts: ContractVerdicts = new Map();
      let silent: unknown;
      try {
        verdicts = await askChains(logs);
      } catch (error) {
        // Only those who need an answer wait for it.
        silent = error;
      }
      for (const [i, inboxId] of chunk.entries()) {
        const stopped = await append(inboxId, logs[i] ?? [], verdicts, changes);
        if (stopped !== undefined) held.set(inboxId, silent ?? stopped);
      }
      if (changes.length > 0) await store.write(changes, refetchable);
    };
    // XID-45
    await inChunks(unique, limits.identityChunk, ask, use);
    return held;
  }

  return {
    contracts,
    view: (notFound = new Set()) => ({
      installationsAt(inboxId, sequenceId) {
        const inbox = inboxes.get(inboxId);
        const state = inbox?.states.get(sequenceId);
        if (state) return { kind: "known", installations: installationSet(state) };
        if (!notFound.has(pointKey({ inboxId, sequenceId }))) return { kind: "unknown" };
        const late = inbox === undefined || inbox.newest < sequenceId;
        return { kind: "missing", late, before: inbox && stateBefore(inbox, sequenceId) };
      },
    }),
    async load(points) {
      const absent: IdentityPoint[] = [];
      for (const point of points) {
        const inbox = await open(point.inboxId);
        if (!inbox.states.has(point.sequenceId)) absent.push(point);
      }
      const held = await fetch(absent.map(({ inboxId }) => inboxId));
      const waiting = absent.find(
        ({ inboxId, sequenceId }) =>
          held.has(inboxId) && !inboxes.get(inboxId)?.states.has(sequenceId),
      );
      // What cannot be judged yet is not missing.
      if (waiting) throw held.get(waiting.inboxId);
      return new Set(
        absent
          .filter(({ inboxId, sequenceId }) => !inboxes.get(inboxId)?.states.has(sequenceId))
          .map(pointKey),
      );
    },
    async refresh(inboxIds) {
      const held = await fetch(inboxIds);
      const out = new Map<string, bigint>();
      for (const inboxId of inboxIds) {
        const { newest } = await open(inboxId);
        if (newest > 0n) out.set(inboxId, newest);
        // Known people stay who they were; of the others nothing can be said.
        else if (held.has(inboxId)) throw held.get(inboxId);
      }
      return out;
    },
    async state(inboxId) {
      const inbox = await open(inboxId);
      return inbox.states.get(inbox.newest);
    },
    stateAt: (inboxId, sequenceId) => inboxes.get(inboxId)?.states.get(sequenceId),
    async check(update, verdicts) {
      const inbox = await open(update.inboxId);
      const parsed = parseUpdate(update);
      return applyUpdate(
        crypto,
        inbox.states.get(inbox.newest),
        verifyUpdate({ crypto, cache, contracts: verdicts }, parsed),
      );
    },
  };
}
