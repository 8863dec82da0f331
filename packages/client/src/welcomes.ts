import { CoterieError, fromHex, toHex } from "@coterie/base";
import type { Change } from "@coterie/storage";
import type { WelcomeMessage } from "@coterie/wire";
import type { Context } from "./context.ts";
import { stepEnv } from "./context.ts";
import { isStaleWelcome, joinGroup, openWelcome } from "./engine/join.ts";
import type { WelcomeInput, WelcomeOutcome } from "./engine/join.ts";
import type { GroupRecord } from "./engine/state.ts";
import { unwrapPointee, unwrapPointer, unwrapWelcome } from "./engine/welcome-wrap.ts";
import type { OpenedWelcome, Pointer } from "./engine/welcome-wrap.ts";
import { ConsentEntityType, ConsentState } from "./enums.ts";
import { ClientError } from "./errors.ts";
import type { Cell, Groups } from "./groups.ts";
import { keys } from "./keys.ts";
import type { OwnKeyPackage } from "./key-packages.ts";
import { decodeRow, encodeRow } from "./rows.ts";
import { canHeal, Lock, withRetry } from "./run.ts";

/** A pointer whose welcome was not there yet (XWL-11). */
interface PointerTask {
  readonly pointer: Pointer;
  readonly wrapperKey: Uint8Array;
  readonly welcomeId: bigint;
  readonly createdNs: bigint;
  readonly nextNs: bigint;
  readonly waitNs: bigint;
  readonly attempts: number;
  readonly untilNs: bigint;
}

export interface Welcomes {
  /** Reads all new welcomes, one by one in the order of their ids (XWL-12). Answers with the conversations they led into. */
  sync(): Promise<Cell[]>;
  /** Where the stored cursor stands, for subscriptions (XST-01). */
  cursor(): Promise<bigint>;
  /** Tries stored pointers that are due (XWL-11). */
  tick(): Promise<void>;
}

const cursorKey = keys.meta("welcome-cursor");
const minute = 60n * 1_000_000_000n;

export function createWelcomes(context: Context, groups: Groups): Welcomes {
  const { store, crypto, clock, log } = context.ports;
  const lock = new Lock();

  async function cursor(): Promise<bigint> {
    const row = await store.get(cursorKey);
    return row ? decodeRow<{ id: bigint }>(row).id : 0n;
  }
  const moveCursor = (id: bigint): Change => ({
    kind: "put",
    key: cursorKey,
    value: encodeRow({ id }),
  });

  function reject(welcomeId: bigint, code: string, rule?: string): void {
    log.write("warn", "welcome-refused", { welcomeId, code, rule });
    context.bus.emit([{ kind: "refused", what: "welcome", sequenceId: welcomeId, code, rule }]);
  }

  /** The shared welcome that a pointer names; undefined where it is not there (yet). */
  async function fetchPointee(pointer: Pointer): Promise<OpenedWelcome | undefined> {
    const page = await context.api.queryWelcomes(pointer.destination, 0n);
    const [first] = page.messages;
    if (!first) return undefined;
    if (first.kind !== "v1") throw new ClientError("client/bad-welcome", { rule: "XWL-11" });
    return unwrapPointee(crypto, pointer, first.value.data, first.value.welcomeMetadata);
  }

  interface Found {
    readonly own: OwnKeyPackage;
    readonly opened: OpenedWelcome;
  }

  async function open(message: WelcomeMessage): Promise<Found | PointerTask> {
    if (message.kind === "unset") throw new ClientError("client/bad-welcome", { rule: "XWL-04" });
    const { hpkePublicKey, wrapperAlgorithm: algorithm } = message.value;
    const found = await context.keyPackages.find(hpkePublicKey);
    // XWL-07
    if (!found) throw new ClientError("client/bad-welcome", { rule: "XWL-07" });
    if (message.kind === "v1") {
      const { data, welcomeMetadata: metadata } = message.value;
      const opened = unwrapWelcome(crypto, { data, metadata, algorithm, keys: found.keys });
      return { own: found.own, opened };
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
      return { own: found.own, opened };
    } catch (error) {
      if (error !== notYet) throw error;
      const now = clock.nowNs();
      return {
        pointer,
        wrapperKey: hpkePublicKey,
        welcomeId: message.value.id,
        createdNs: message.value.createdNs,
        nextNs: now + 5n * minute,
        waitNs: 5n * minute,
        attempts: 0,
        untilNs: now + 3n * 24n * 60n * minute,
      };
    }
  }

  /** Joins by an opened welcome; `more` goes into the same batch. */
  async function joinBy(
    found: Found,
    welcomeId: bigint,
    welcomeCreatedNs: bigint,
    more: readonly Change[],
  ): Promise<Cell | undefined> {
    let notFound: ReadonlySet<string> = new Set();
    let input: WelcomeInput;
    let outcome: WelcomeOutcome;
    for (;;) {
      input = {
        env: stepEnv(context, notFound),
        welcome: found.opened.welcome,
        keyPackage: found.own,
        welcomeId,
        welcomeCreatedNs,
        messageCursor: found.opened.messageCursor,
      };
      outcome = openWelcome(input);
      if (outcome.kind !== "wait") break;
      const { needs } = outcome;
      notFound = await withRetry(context.ports, () => context.identity.load(needs));
    }
    if (outcome.kind === "refused") {
      await store.write(more);
      reject(welcomeId, outcome.code, outcome.rule);
      return undefined;
    }
    const joined = outcome;
    // XWL-16: carries one message, which only recovery would act on (XIN-44).
    if (joined.join.facts.immutable.conversationType === "oneshot") {
      await store.write(more);
      return undefined;
    }
    const known = await groups.find(toHex(joined.group.groupId));
    const put = async (): Promise<Cell> => groups.put(joinGroup(input, joined, known?.state), more);
    if (!known) return remember(await put(), joined);
    const before = known.record.membershipState;
    return groups.exclusive(known, async (cell) => {
      if (isStaleWelcome(cell.state, joined.group)) {
        await store.write(more);
        return undefined;
      }
      return remember(await put(), joined, before);
    });
  }

  /** XWL-21. */
  async function remember(
    cell: Cell,
    joined: Extract<WelcomeOutcome, { kind: "joined" }>,
    before?: GroupRecord["membershipState"],
  ): Promise<Cell> {
    const { immutable } = joined.join.facts;
    if (before === "pending-remove") {
      const { setConsent } = context.preferences;
      await setConsent(ConsentEntityType.GroupId, cell.id, ConsentState.Unknown);
    } else if (immutable.creatorInboxId === context.inboxId) {
      const { setConsent } = context.preferences;
      await setConsent(ConsentEntityType.GroupId, cell.id, ConsentState.Allowed);
    } else if (cell.record.dmId !== undefined) {
      await inheritDmConsent(cell);
    }
    return cell;
  }

  async function inheritDmConsent(cell: Cell): Promise<void> {
    const { getConsent, consentedAtNs, setConsent } = context.preferences;
    const { GroupId } = ConsentEntityType;
    let newest: { readonly id: string; readonly atNs: bigint } | undefined;
    for (const other of await groups.all()) {
      if (other.id === cell.id || other.record.dmId !== cell.record.dmId) continue;
      const atNs = consentedAtNs(GroupId, other.id);
      if (atNs !== undefined && atNs > (newest?.atNs ?? 0n)) newest = { id: other.id, atNs };
    }
    if (newest) await setConsent(GroupId, cell.id, getConsent(GroupId, newest.id));
  }

  async function take(message: WelcomeMessage): Promise<Cell | undefined> {
    if (message.kind === "unset") return undefined;
    const { id, createdNs } = message.value;
    const done = [moveCursor(id)];
    try {
      const found = await open(message);
      if ("pointer" in found) {
        const key = keys.task(id.toString());
        await store.write([...done, { kind: "put", key, value: encodeRow(found) }]);
        return undefined;
      }
      return await joinBy(found, id, createdNs, done);
    } catch (error) {
      // XWL-22: what can heal leaves the cursor where it is; so does a store that fails.
      if (canHeal(error) || !(error instanceof CoterieError) || error.disposition === "halt") {
        throw error;
      }
      await store.write(done);
      const { rule } = error.details;
      reject(id, error.code, rule === undefined ? undefined : String(rule));
      return undefined;
    }
  }

  async function syncNow(): Promise<Cell[]> {
    const cells: Cell[] = [];
    let any = false;
    try {
      for (;;) {
        const from = await cursor();
        const page = await withRetry(context.ports, () =>
          context.api.queryWelcomes(fromHex(context.installationId), from),
        );
        for (const message of page.messages) {
          if (message.kind === "unset" || message.value.id <= from) continue;
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

  async function runTask(key: Uint8Array, task: PointerTask): Promise<void> {
    const gone: Change = { kind: "delete", key };
    const found = await context.keyPackages.find(task.wrapperKey);
    const now = clock.nowNs();
    if (!found || now > task.untilNs || task.attempts >= 100) {
      await store.write([gone]);
      reject(task.welcomeId, "client/bad-welcome", "XWL-11");
      return;
    }
    const opened = await fetchPointee(task.pointer);
    if (opened) {
      await joinBy({ own: found.own, opened }, task.welcomeId, task.createdNs, [gone]);
      return;
    }
    const longest = 120n * minute;
    const grown = (task.waitNs * 3n) / 2n;
    const waitNs = grown > longest ? longest : grown;
    const next = { ...task, attempts: task.attempts + 1, waitNs, nextNs: now + waitNs };
    await store.write([{ kind: "put", key, value: encodeRow(next) }]);
  }

  return {
    cursor,
    sync: () => lock.run(syncNow),
    tick: () =>
      lock.run(async () => {
        for (const { key, value } of await store.list(keys.tasks())) {
          const task = decodeRow<PointerTask>(value);
          if (task.nextNs <= clock.nowNs()) await runTask(key, task);
        }
      }),
  };
}
