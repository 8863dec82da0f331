import { toHex } from "@coterie/base";
import type { Clock, Log, Random } from "@coterie/base";
import { sameSlimName } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import { maxPayload } from "../core/limits.ts";
import type { Delivery, MemberView } from "../core/port.ts";
import { heartbeatMs } from "../core/presence.ts";
import { isDirectId } from "../core/reliability/ids.ts";
import { SessionError } from "../errors.ts";
import type { AppRuntime } from "../runtime/app-runtime.ts";
import type { Operation } from "../runtime/operation.ts";
import type { Scheduler } from "../runtime/scheduler.ts";
import type { SessionLine } from "../runtime/session-line.ts";
import {
  askType,
  decodeAsk,
  decodeTell,
  encodeAsk,
  encodeEntry,
  encodeTell,
  maxEntries,
  tellType,
} from "./letters.ts";
import type { HistoryAsk, HistoryEntry, HistoryTell } from "./letters.ts";
import type { HistoryLog } from "./log.ts";

type Message = Extract<Delivery, { readonly kind: "message" }>;

/** Keeps what is delivered. */
export interface HistoryKeeper {
  readonly log: HistoryLog;
  /** Whether a member may have it. */
  readonly mayHave: (asked: {
    readonly session: number;
    readonly member: SlimName;
    readonly limit: number;
    readonly sinceMs: number;
  }) => boolean | Promise<boolean>;
}

/** What one app keeps of its groups for those who come later, and what it asks of others. Nothing is kept or given by default. */
export interface History {
  keep(keeper: HistoryKeeper | undefined): void;
  /** Earlier messages of a group, oldest first, from the first member that gives them. */
  ask(
    line: SessionLine,
    what: {
      readonly from: SlimName | undefined;
      readonly limit: number;
      readonly sinceMs: number;
      readonly signal: AbortSignal | undefined;
    },
  ): Promise<{ readonly toldBy: SlimName | undefined; readonly entries: readonly HistoryEntry[] }>;
}

export interface HistoryParts {
  readonly runtime: AppRuntime;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** How long a member may be silent before the next one is asked. */
const silenceMs = 10_000;
/** Of one answer. */
const maxAnswerBytes = 32 * 1024 * 1024;
const inFlight = 16;
/** How long a member may take to be heard of at all. */
const graceMs = 2_000;
const pauseMs = 100;
const headRoom = 256;

interface Question {
  readonly line: SessionLine;
  readonly member: SlimName;
  readonly limit: number;
  readonly entries: Map<number, HistoryEntry>;
  count: number | undefined;
  cancel: () => void;
  readonly end: (result: "complete" | "refused" | "silent") => void;
}

export function createHistory(parts: HistoryParts): History {
  const { runtime, scheduler, clock, random, log } = parts;
  let keeper: HistoryKeeper | undefined;
  const questions = new Map<string, Question>();
  /** Members that are being answered. */
  const answering = new Set<string>();

  runtime.diverted = (line, item) => {
    if (item.payloadType === askType) {
      void answer(line, item);
      return true;
    }
    if (item.payloadType === tellType) {
      told(line, item);
      return true;
    }
    if (isKept(line, item.messageId)) write(line, { ...item, timeMs: nowMs() });
    return false;
  };
  runtime.published = (line, payload, to, operation) => {
    if (keeper === undefined || to !== undefined || !isGroup(line)) return;
    const timeMs = nowMs();
    operation.listen(() => {
      const messageId = operation.outcome?.messageId;
      if (!operation.ended || messageId === undefined || !isKept(line, messageId)) return;
      write(line, { ...payload, source: runtime.view(line).source, messageId, timeMs });
    });
  };
  runtime.finished = (line) => {
    keeper?.log.forget(line.id).catch(failed);
  };

  const nowMs = (): number => Number(clock.nowNs() / 1_000_000n);
  const failed = (): void => log.write("warn", "slim.history-failed");
  const isGroup = ({ view }: SessionLine): boolean => view.settings.kind === "group";
  const isKept = (line: SessionLine, id: number): boolean =>
    keeper !== undefined && isGroup(line) && !isDirectId(id);

  function write(line: SessionLine, entry: HistoryEntry): void {
    keeper?.log.append(line.id, entry).catch(failed);
  }

  /** SSN-21: extension messages go to members that are marked as ours, and to nobody else. */
  function isOurs(line: SessionLine, member: SlimName): boolean {
    return others(line).some(({ name, ours }) => ours === true && sameSlimName(name, member));
  }

  function others(line: SessionLine): readonly MemberView[] {
    const { members, source } = runtime.view(line);
    return members.filter(({ name }) => !sameSlimName(name, source));
  }

  function pause(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = scheduler.later(pauseMs, () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      });
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  async function answer(line: SessionLine, item: Message): Promise<void> {
    const asked = decodeAsk(item.payload);
    const member = item.source;
    if (asked === undefined || !isOurs(line, member)) return;
    const who = `${line.id}/${String(member.id)}`;
    const entries = answering.has(who) ? undefined : await given(line, member, who, asked);
    if (entries === undefined) {
      tell(line, member, { kind: "refused", request: asked.request });
      return;
    }
    for (let at = 0; at < entries.length; at += inFlight) {
      const some = entries
        .slice(at, at + inFlight)
        .map((entry, n) =>
          tell(line, member, { kind: "entry", request: asked.request, at: at + n, entry }),
        );
      await Promise.all(some.map(ended));
    }
    tell(line, member, { kind: "done", request: asked.request, count: entries.length });
    answering.delete(who);
  }

  /** Undefined: not for this member. */
  async function given(
    line: SessionLine,
    member: SlimName,
    who: string,
    { limit, sinceMs }: HistoryAsk,
  ): Promise<readonly HistoryEntry[] | undefined> {
    if (keeper === undefined || !isGroup(line)) return undefined;
    answering.add(who);
    try {
      if (await keeper.mayHave({ session: line.id, member, limit, sinceMs })) {
        return fitting(await keeper.log.newest(line.id, limit, sinceMs));
      }
    } catch {
      failed();
    }
    answering.delete(who);
    return undefined;
  }

  function tell(line: SessionLine, to: SlimName, what: HistoryTell): Operation {
    return runtime.publish(line, encodeTell(what), to, undefined);
  }

  function told(line: SessionLine, item: Message): void {
    const what = decodeTell(item.payload);
    const question = what && questions.get(what.request);
    if (what === undefined || question === undefined || question.line !== line) return;
    if (!sameSlimName(question.member, item.source)) return;
    if (what.kind === "refused") question.end("refused");
    else if (what.kind === "done") question.count = what.count;
    else if (what.at < question.limit) question.entries.set(what.at, what.entry);
    if (question.count !== undefined && question.entries.size >= question.count) {
      question.end("complete");
      return;
    }
    question.cancel();
    question.cancel = scheduler.later(silenceMs, () => question.end("silent"));
  }

  /** Asks one member. */
  function put(
    line: SessionLine,
    member: SlimName,
    limit: number,
    sinceMs: number,
    signal: AbortSignal | undefined,
  ): Promise<"refused" | "silent" | readonly HistoryEntry[]> {
    const request = toHex(random.bytes(8));
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        questions.delete(request);
        question.cancel();
        signal?.removeEventListener("abort", abort);
      };
      const abort = (): void => {
        leave();
        reject(signal?.reason);
      };
      const question: Question = {
        line,
        member,
        limit,
        entries: new Map(),
        count: undefined,
        cancel: scheduler.later(silenceMs, () => question.end("silent")),
        end(result) {
          leave();
          const inOrder = [...question.entries].toSorted(([a], [b]) => a - b);
          resolve(result === "complete" ? inOrder.map(([, entry]) => entry) : result);
        },
      };
      questions.set(request, question);
      signal?.addEventListener("abort", abort, { once: true });
      const operation = runtime.publish(
        line,
        encodeAsk({ request, limit, sinceMs }),
        member,
        signal,
      );
      operation.listen(() => {
        if (operation.error !== undefined) question.end("silent");
      });
    });
  }

  return {
    keep(next) {
      keeper = next;
    },
    async ask(line, { from, limit, sinceMs, signal }) {
      if (!isGroup(line)) throw new SessionError("session/not-a-group", { session: line.id });
      signal?.throwIfAborted();
      const bounded = Math.max(1, Math.min(limit, maxEntries));
      const asked: SlimName[] = [];
      const until = scheduler.nowMs() + heartbeatMs + graceMs;
      let refusals = 0;
      for (;;) {
        const able = others(line).filter(
          ({ name, online }) =>
            online &&
            (from === undefined || isMeant(name, from)) &&
            !asked.some((one) => sameSlimName(one, name)),
        );
        const next = able.find((member) => member.ours === true);
        if (next !== undefined) {
          asked.push(next.name);
          const result = await put(line, next.name, bounded, sinceMs, signal);
          if (typeof result !== "string") return { toldBy: next.name, entries: result };
          if (result === "refused") refusals += 1;
        } else if (able.some((member) => member.ours === undefined) && scheduler.nowMs() < until) {
          // who says nothing else shows itself by a heartbeat
          await pause(signal);
        } else break;
      }
      if (asked.length === 0)
        throw new SessionError("session/unknown-member", { session: line.id });
      const code = refusals > 0 ? "session/refused" : "session/unanswered";
      throw new SessionError(code, { session: line.id, reason: "history" });
    },
  };
}

/** Without an id, any instance of the service. */
function isMeant(name: SlimName, wanted: SlimName): boolean {
  return sameSlimName(wanted.id === undefined ? { ...name, id: undefined } : name, wanted);
}

/** The newest that one answer has room for, and no message that would be too large with what is said of it. */
function fitting(entries: readonly HistoryEntry[]): readonly HistoryEntry[] {
  let bytes = 0;
  const kept: HistoryEntry[] = [];
  for (const entry of entries.toReversed()) {
    const size = encodeEntry(entry).length + headRoom;
    if (size > maxPayload) continue;
    bytes += size;
    if (bytes > maxAnswerBytes) break;
    kept.push(entry);
  }
  return kept.toReversed();
}

function ended(operation: Operation): Promise<void> {
  return new Promise((resolve) => {
    if (operation.ended) resolve();
    else {
      operation.listen(() => {
        if (operation.ended) resolve();
      });
    }
  });
}
