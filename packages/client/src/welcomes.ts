import { CoterieError, fromHex, toHex } from "@coterie/base";
import type { Change } from "@coterie/storage";
import type { WelcomeMessage } from "@coterie/wire";
import type { Context } from "./context.ts";
import { unwrapPointee, unwrapPointer, unwrapWelcome } from "./engine/welcome-wrap.ts";
import type { OpenedWelcome, Pointer } from "./engine/welcome-wrap.ts";
import { ClientError } from "./errors.ts";
import type { Cell, Groups } from "./groups.ts";
import { keys } from "./keys.ts";
import { decodeRow } from "./rows.ts";
import { canHeal, Lock, refetchable, withRetry } from "./run.ts";
import { createWelcomeJoin } from "./welcome-join.ts";
import type { WelcomeToJoin } from "./welcome-join.ts";
import { createWelcomeMarks } from "./welcome-marks.ts";
import { isOver, later, newWelcomeTask, putTask } from "./welcome-tasks.ts";
import type { WelcomeTask } from "./welcome-tasks.ts";

export interface Welcomes {
  /** Reads all new welcomes, one by one in the order of their ids (XWL-12). Answers with the conversations they led into. */
  sync(): Promise<Cell[]>;
  /**
   * XPU-08, XST-01: one welcome that came by another way. The cursor stays: a later sync passes over it. Answers with the conversation
   * that it led into, now or before (XWL-12).
   */
  takePushed(message: WelcomeMessage): Promise<Cell | undefined>;
  /** Where the stored cursor stands, for subscriptions (XST-01). */
  cursor(): Promise<bigint>;
  /** Runs `work` while no welcome is processed. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  /** Tries what is stored and due (XWL-11). */
  tick(): Promise<void>;
}

const lookBackEveryNs = 30n * 60n * 1_000_000_000n;

export function createWelcomes(context: Context, groups: Groups): Welcomes {
  const { store, crypto, clock, log } = context.ports;
  const lock = new Lock();
  const marks = createWelcomeMarks(store, crypto);
  const { cursor, isSeen, moveCursor, putSeen } = marks;
  let lookedBackNs = 0n;

  function reject(welcomeId: bigint, code: string, rule?: string): void {
    log.write("warn", "welcome-refused", { welcomeId, code, rule });
    context.bus.emit([{ kind: "refused", what: "welcome", sequenceId: welcomeId, code, rule }]);
  }

  const joinBy = createWelcomeJoin(context, groups, reject);

  function waits(sequenceId: bigint, rule: string): void {
    context.bus.emit([{ kind: "waiting", what: "welcome", sequenceId, rule }]);
  }

  /** The shared welcome that a pointer names; undefined where it is not there (yet). */
  async function fetchPointee(pointer: Pointer): Promise<OpenedWelcome | undefined> {
    const page = await context.api.queryWelcomes(pointer.destination, 0n);
    const [first] = page.messages;
    if (first?.kind !== "v1") return undefined;
    try {
      return unwrapPointee(crypto, pointer, first.value.data, first.value.welcomeMetadata);
    } catch {
      // The pointer is the sender's word, what lies there may be somebody else's: it is asked for again.
      return undefined;
    }
  }

  interface Found extends WelcomeToJoin {
    readonly wrapperKey: Uint8Array;
  }

  async function open(message: WelcomeMessage): Promise<Found | WelcomeTask> {
    if (message.kind === "unset") throw new ClientError("client/bad-welcome", { rule: "XWL-04" });
    const { hpkePublicKey, wrapperAlgorithm: algorithm } = message.value;
    const found = await context.keyPackages.find(hpkePublicKey);
    // XWL-07
    if (!found) throw new ClientError("client/bad-welcome", { rule: "XWL-07" });
    if (message.kind === "v1") {
      const { data, welcomeMetadata: metadata } = message.value;
      const opened = unwrapWelcome(crypto, { data, metadata, algorithm, keys: found.keys });
      return { own: found.own, wrapperKey: hpkePublicKey, opened };
    }
    const data = message.value.welcomePointer;
    const pointer = unwrapPointer(crypto, { data, algorithm, keys: found.keys });
    const notYet = new ClientError("client/not-found", {}, { disposition: "retry" });
    try {
      const opened = await withRetry(context.ports, async () => {
        const pointee = await fetchPointee(pointer);
        if (!pointee) throw notYet;
        return pointee;
      });
      return { own: found.own, wrapperKey: hpkePublicKey, opened };
    } catch (error) {
      if (error !== notYet) throw error;
      const wanted = { pointer, wrapperKey: hpkePublicKey };
      return newWelcomeTask(wanted, message.value, clock.nowNs());
    }
  }

  async function take(message: WelcomeMessage, pushed = false): Promise<Cell | undefined> {
    if (message.kind === "unset") return undefined;
    const { id, createdNs } = message.value;
    const at = await cursor();
    const seen = putSeen(message);
    const done = pushed ? [seen] : [moveCursor(id > at ? id : at), seen];
    try {
      const found = await open(message);
      if (!("own" in found)) {
        await store.write([...done, putTask(found)]);
        waits(id, "XWL-11");
        return undefined;
      }
      const joined = await joinBy(found, { id, createdNs }, done, { patient: true });
      if (joined !== "late") return joined;
      const { opened, wrapperKey } = found;
      const task = newWelcomeTask({ opened, wrapperKey }, { id, createdNs }, clock.nowNs());
      await store.write([...done, putTask(task)]);
      waits(id, "XCV-11");
      return undefined;
    } catch (error) {
      // XWL-22: what can heal leaves the cursor where it is; so does a store that fails.
      if (canHeal(error) || !(error instanceof CoterieError) || error.disposition === "halt") {
        throw error;
      }
      await store.write(done, refetchable);
      const { rule } = error.details;
      reject(id, error.code, rule === undefined ? undefined : String(rule));
      return undefined;
    }
  }

  async function syncNow(): Promise<Cell[]> {
    const cells: Cell[] = await lookBack();
    let any = cells.length > 0;
    try {
      for (;;) {
        const from = await cursor();
        const page = await withRetry(context.ports, () =>
          context.api.queryWelcomes(fromHex(context.installationId), from),
        );
        for (const message of page.messages) {
          if (message.kind === "unset" || message.value.id <= from) continue;
          if (await isSeen(message)) {
            await store.write([moveCursor(message.value.id)], refetchable);
            continue;
          }
          any = true;
          const cell = await take(message);
          if (cell) cells.push(cell);
        }
        if (!page.full || (await cursor()) === from) return cells;
      }
    } finally {
      // XWL-23
      if (any) await context.keyPackages.rotateSoon();
    }
  }

  /**
   * Looks once more through what was read since the last look: a node that kept a welcome back, or numbered one too high, must not
   * make us pass over it for good. What was dealt with is known by its id and not asked again.
   */
  async function lookBack(): Promise<Cell[]> {
    const now = clock.nowNs();
    if (now - lookedBackNs <= lookBackEveryNs) return [];
    const upTo = await cursor();
    const floor = await marks.floor();
    lookedBackNs = now;
    if (upTo <= floor) return [];
    const cells: Cell[] = [];
    let last = floor;
    for (;;) {
      const from = last;
      const page = await withRetry(context.ports, () =>
        context.api.queryWelcomes(fromHex(context.installationId), from),
      );
      for (const message of page.messages) {
        if (message.kind === "unset" || message.value.id <= last) continue;
        last = message.value.id;
        if (last > upTo || (await isSeen(message))) continue;
        const cell = await take(message);
        if (cell) cells.push(cell);
      }
      if (!page.full || last === from || last > upTo) break;
    }
    // Everything up to here was seen twice. A log that ends before the cursor shows that the cursor was led astray.
    const end = last < upTo ? last : upTo;
    await store.write([moveCursor(end), ...marks.moveFloor(end)]);
    return cells;
  }

  /** One look at a stored welcome. What heals leaves it for later, what does not ends it; others are not held up. */
  async function runTask(key: Uint8Array, task: WelcomeTask): Promise<void> {
    const gone: Change = { kind: "delete", key };
    try {
      if (await tryTask(task, gone)) return;
      await store.write([putTask(later(task, clock.nowNs()))]);
    } catch (error) {
      if (canHeal(error)) {
        await store.write([putTask(later(task, clock.nowNs()))]);
        return;
      }
      if (!(error instanceof CoterieError) || error.disposition === "halt") throw error;
      await store.write([gone]);
      reject(task.welcomeId, error.code, "XWL-11");
    }
  }

  /** False where it is still too early. */
  async function tryTask(task: WelcomeTask, gone: Change): Promise<boolean> {
    const found = await context.keyPackages.find(task.wrapperKey);
    const over = isOver(task, clock.nowNs());
    const fetched = found && task.pointer && !over ? await fetchPointee(task.pointer) : undefined;
    const opened = task.opened ?? fetched;
    if (found && opened) {
      const at = { id: task.welcomeId, createdNs: task.createdNs };
      // The next look comes by itself; welcomes that are new must not wait for this one.
      const patience = { patient: !over, attempts: 1 };
      const joined = await joinBy({ own: found.own, opened }, at, [gone], patience);
      if (joined !== "late") return true;
    }
    if (found && !over) return false;
    throw new ClientError("client/bad-welcome", { rule: "XWL-11" });
  }

  async function pushed(message: WelcomeMessage): Promise<Cell | undefined> {
    if (message.kind === "unset") return undefined;
    const { id, installationKey } = message.value;
    if (toHex(installationKey) !== context.installationId) return undefined;
    if (id > (await cursor()) && !(await isSeen(message))) {
      const cell = await take(message, true);
      await context.keyPackages.rotateSoon();
      if (cell) return cell;
    }
    return (await groups.all()).find(({ record }) => record.welcomeId === id);
  }

  return {
    takePushed: (message) => lock.run(() => pushed(message)),
    cursor,
    sync: () => lock.run(syncNow),
    alone: (work) => lock.run(work),
    tick: () =>
      lock.run(async () => {
        for (const { key, value } of await store.list(keys.tasks())) {
          const task = decodeRow<WelcomeTask>(value);
          if (task.nextNs <= clock.nowNs()) await runTask(key, task);
        }
      }),
  };
}
