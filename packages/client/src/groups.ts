import { wipe } from "@coterie/base";
import type { GroupId } from "@coterie/base";
import { restoreGroup, snapshotChanges } from "@coterie/mls";
import type { Change, WriteOptions } from "@coterie/storage";
import type { Context } from "./context.ts";
import { diffState, readGroup, readRecords, readStandings, writeMessages } from "./db.ts";
import type { Standing } from "./db.ts";
import { writeDeletions } from "./deletions.ts";
import { limits } from "./engine/limits.ts";
import { mergeSteps } from "./engine/step.ts";
import type { Step } from "./engine/step.ts";
import type { EngineEvent, GroupRecord, GroupState, Progress } from "./engine/state.ts";
import { ClientError } from "./errors.ts";
import { keys } from "./keys.ts";
import { encodeRow } from "./rows.ts";
import { Lock } from "./run.ts";

/** One conversation in this process: its lock, its record for sync getters, and its state while that is loaded. */
export interface Cell {
  readonly id: GroupId;
  readonly lock: Lock;
  record: GroupRecord;
  state: GroupState | undefined;
  /** What is known of it while its state is not loaded. */
  standing: Standing | undefined;
  /** Ahead of what is stored, within one turn of its lock. */
  held: { readonly stored: GroupState; readonly step: Step } | undefined;
}

/** All conversations of one client: loaded on demand, kept within bounds, changed by whole steps. */
export interface Groups {
  /** Undefined for a group that is not stored. */
  find(groupId: string): Promise<Cell | undefined>;
  /** Throws `client/not-found`. */
  get(groupId: string): Promise<Cell>;
  /** All conversations, without loading their MLS state. */
  all(): Promise<Cell[]>;
  /** Runs `work` alone on this group, with its state loaded (XIN-01). */
  exclusive<T>(cell: Cell, work: (cell: LoadedCell) => Promise<T>): Promise<T>;
  /** Stores a new conversation, or a new state of a known one (XWL-14: inside its `lock`), in one batch with `more`. */
  put(step: Step, more?: readonly Change[], options?: WriteOptions): Promise<Cell>;
  /** Forgets a conversation of epoch 0 with nothing queued: nobody else knows of it. Others stay. */
  dropUnborn(cell: Cell): Promise<void>;
  /** Deletes a conversation from here; the others keep theirs. */
  forget(cell: Cell): Promise<void>;
  /** Where a conversation stands, without loading its MLS state. */
  peek(cell: Cell): Promise<Standing>;
  /** Time of the newest message, or of the creation. */
  lastActivityNs(cell: Cell): Promise<bigint>;
}

export interface LoadedCell {
  readonly id: GroupId;
  readonly state: GroupState;
  /** Stores the step in one batch, then keeps its state, then emits. A failure keeps everything as it was. */
  apply(step: Step, options?: WriteOptions): Promise<void>;
  /**
   * Keeps the step's state now and stores it with the next step, at the latest when this turn of the lock ends. For what a crash may
   * take back: nothing that was promised to a caller, and nothing that others were told.
   */
  hold(step: Step): void;
}

function activityOf(record: GroupRecord, progress: Progress): bigint {
  return progress.lastMessageNs ?? record.createdAtNs;
}

function standingOf({ progress, intents }: GroupState): Standing {
  return { progress, hasIntents: intents.length > 0 };
}

export function createGroups(context: Context): Groups {
  const { store, crypto } = context.ports;
  const cells = new Map<string, Cell>();
  /** What lists are ordered by, once read: of a thousand conversations one has news at a time. */
  const activity = new Map<string, bigint>();
  let listed: Promise<void> | undefined;
  let stood: Promise<void> | undefined;

  function cellOf(record: GroupRecord): Cell {
    let cell = cells.get(record.id);
    if (!cell) {
      const { id } = record;
      cell = {
        id,
        lock: new Lock(),
        record,
        state: undefined,
        standing: undefined,
        held: undefined,
      };
      cells.set(record.id, cell);
    }
    return cell;
  }

  async function readAll(): Promise<void> {
    for (const record of await readRecords(store)) cellOf(record);
  }

  /** One read for all of them: of five hundred conversations that are asked after one by one, each would cost two. */
  async function readAllStandings(): Promise<void> {
    for (const [id, standing] of await readStandings(store)) {
      const cell = cells.get(id);
      // What was loaded and let go of in between knows better.
      if (cell && !cell.state) cell.standing ??= standing;
    }
  }

  /** Most recently used last. */
  function touch(cell: Cell): void {
    cells.delete(cell.id);
    cells.set(cell.id, cell);
  }

  /** Lets go of the states that were not used for longest, by number and by weight; each is restored when it is needed again. */
  function evict(): void {
    let count = 0;
    let leaves = 0;
    for (const cell of [...cells.values()].toReversed()) {
      if (!cell.state) continue;
      count += 1;
      leaves += cell.state.mls?.state.tree.root.members ?? 0;
      const tooMany = count > limits.loadedGroups || leaves > limits.loadedLeaves;
      if (tooMany && count > 1 && cell.lock.idle && !cell.held) {
        cell.standing = standingOf(cell.state);
        cell.state = undefined;
      }
    }
  }

  async function load(cell: Cell): Promise<GroupState> {
    if (cell.state) {
      touch(cell);
      return cell.state;
    }
    const stored = await readGroup(store, cell.id);
    if (!stored) throw new ClientError("client/not-found", { groupId: cell.id });
    const { record, progress, intents, entries } = stored;
    const mls = entries.size > 0 ? restoreGroup({ crypto, entries }) : undefined;
    cell.state = { record, progress, intents, mls };
    cell.record = record;
    touch(cell);
    evict();
    return cell.state;
  }

  /** MLS entries of a group that change from one value to the next (DESIGN decision 7). */
  function mlsChanges(before: GroupState | undefined, after: GroupState): Change[] {
    if (!after.mls || before?.mls === after.mls) return [];
    const { puts, deletes } = snapshotChanges(before?.mls, after.mls);
    const groupId = after.record.id;
    return [
      ...deletes.map((entry): Change => ({ kind: "delete", key: keys.mls(groupId, entry) })),
      ...puts.map(([entry, value]): Change => ({
        kind: "put",
        key: keys.mls(groupId, entry),
        value,
      })),
    ];
  }

  async function write(
    before: GroupState | undefined,
    step: Step,
    options: WriteOptions | undefined,
    around: { readonly first?: readonly Change[]; readonly last?: readonly Change[] } = {},
  ): Promise<readonly EngineEvent[]> {
    const { id } = step.state.record;
    const messages = await writeMessages(store, step.messages);
    const deletions = await writeDeletions(store, step.deletions, messages.find);
    const firstLog = (before ?? step.state).progress.nextLogEntry;
    const state: GroupState = {
      ...step.state,
      progress:
        step.log.length === 0
          ? step.state.progress
          : { ...step.state.progress, nextLogEntry: firstLog + step.log.length },
    };
    const changes: Change[] = [
      ...(around.first ?? []),
      ...mlsChanges(before, state),
      ...diffState(before, state),
      ...messages.changes,
      ...deletions.changes,
      ...step.log.map((row, i): Change => ({
        kind: "put",
        key: keys.commitLog(id, firstLog + i),
        value: encodeRow(row),
      })),
      ...(around.last ?? []),
    ];
    if (changes.length > 0) await store.write(changes, options);
    activity.set(id, activityOf(state.record, state.progress));
    const cell = cellOf(state.record);
    cell.state = state;
    cell.record = state.record;
    wipe(...step.spent);
    return [
      ...messages.emitted.map((message): EngineEvent => ({
        kind: "message",
        groupId: id,
        message,
      })),
      ...deletions.events,
      ...step.events,
    ];
  }

  /** Stores a step on top of what is stored; where that fails, everything is as it was stored. */
  async function applyTo(cell: Cell, step: Step, options?: WriteOptions): Promise<void> {
    const stored = cell.held?.stored ?? cell.state;
    cell.held = undefined;
    try {
      context.bus.emit(await write(stored, step, options));
    } catch (error) {
      cell.state = stored;
      throw error;
    }
  }

  async function erase(cell: Cell): Promise<void> {
    await store.write([
      { kind: "delete", key: keys.group(cell.id) },
      { kind: "delete", key: keys.progress(cell.id) },
      { kind: "delete-range", ...keys.mlsOf(cell.id) },
      { kind: "delete-range", ...keys.intentsOf(cell.id) },
      { kind: "delete-range", ...keys.commitLogOf(cell.id) },
    ]);
    cells.delete(cell.id);
    activity.delete(cell.id);
    // Whoever waits for the lock must find it gone.
    cell.state = undefined;
    cell.standing = undefined;
  }

  async function find(groupId: string): Promise<Cell | undefined> {
    await (listed ??= readAll());
    return cells.get(groupId);
  }

  async function peek(cell: Cell): Promise<Standing> {
    if (!cell.state && !cell.standing) await (stood ??= readAllStandings());
    const standing = cell.state ? standingOf(cell.state) : cell.standing;
    if (!standing) throw new ClientError("client/not-found", { groupId: cell.id });
    return standing;
  }

  return {
    find,
    async get(groupId) {
      const cell = await find(groupId);
      if (!cell) throw new ClientError("client/not-found", { groupId });
      return cell;
    },
    async all() {
      await (listed ??= readAll());
      return [...cells.values()];
    },
    exclusive: (cell, work) =>
      cell.lock.run(async () => {
        await load(cell);
        try {
          return await work({
            id: cell.id,
            get state() {
              return cell.state as GroupState;
            },
            apply: (step, options) =>
              applyTo(cell, cell.held ? mergeSteps(cell.held.step, step) : step, options),
            hold(step) {
              const { held } = cell;
              cell.held = {
                stored: held?.stored ?? (cell.state as GroupState),
                step: held ? mergeSteps(held.step, step) : step,
              };
              cell.state = step.state;
            },
          });
        } finally {
          if (cell.held) await applyTo(cell, cell.held.step);
        }
      }),
    async put(step, more = [], options) {
      await (listed ??= readAll());
      const { id } = step.state.record;
      // Entries of a replaced state must not outlive it.
      const first: Change[] = cells.has(id)
        ? [
            { kind: "delete-range", ...keys.mlsOf(id) },
            { kind: "delete-range", ...keys.intentsOf(id) },
          ]
        : [];
      context.bus.emit(await write(undefined, step, options, { first, last: more }));
      const cell = cells.get(id) as Cell;
      touch(cell);
      evict();
      return cell;
    },
    dropUnborn: (cell) =>
      cell.lock.run(async () => {
        const state = await load(cell);
        if (state.mls?.context.epoch !== 0n || state.intents.length > 0) return;
        await erase(cell);
      }),
    forget: (cell) => cell.lock.run(() => erase(cell)),
    peek,
    async lastActivityNs(cell) {
      const known = activity.get(cell.id);
      if (known !== undefined) return known;
      const { progress } = await peek(cell);
      // A write that came in between knows better.
      const at = activity.get(cell.id) ?? activityOf(cell.record, progress);
      activity.set(cell.id, at);
      return at;
    },
  };
}
