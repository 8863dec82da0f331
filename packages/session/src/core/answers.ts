import type { Command } from "./command.ts";
import { answersKeptMs, maxAnswers } from "./limits.ts";

/** A command that was answered: what it said of itself, so that a repetition gets the same answer (SSG-09). */
interface Question {
  readonly sessionId: number;
  readonly source: string;
  readonly type: number;
  readonly messageId: number;
}

/** Answers of the last two minutes, also of sessions that have ended since (SGR-38). */
export interface Answers {
  keep(question: Question, answer: Command, now: number): void;
  has(question: Question, now: number): boolean;
  /** Undefined as well where it was given less than `patienceMs` ago. */
  find(question: Question, now: number, patienceMs: number): Command | undefined;
  /** The session ended: the same kind of command from the same sender is answered again whatever its number. */
  bury(tomb: Omit<Question, "messageId">, answer: Command, now: number): void;
  exhume(question: Question, now: number, patienceMs: number): Command | undefined;
}

interface Kept {
  readonly answer: Command;
  givenAt: number;
  readonly until: number;
}

export function createAnswers(): Answers {
  const kept = new Map<string, Kept>();
  const tombs = new Map<string, Kept>();
  return {
    keep: (question, answer, now) => put(kept, keyOf(question), answer, now),
    has: (question, now) => (kept.get(keyOf(question))?.until ?? 0) > now,
    find: (question, now, patienceMs) => get(kept, keyOf(question), now, patienceMs),
    bury: (tomb, answer, now) => put(tombs, tombOf(tomb), answer, now),
    exhume(question, now, patienceMs) {
      const answer = get(tombs, tombOf(question), now, patienceMs);
      return answer && { ...answer, session: { ...answer.session, messageId: question.messageId } };
    },
  };
}

const keyOf = (q: Question): string => `${tombOf(q)}/${q.messageId}`;
const tombOf = (q: Omit<Question, "messageId">): string => `${q.sessionId}/${q.type}/${q.source}`;

/** All are kept equally long, so the oldest stand first. */
function put(map: Map<string, Kept>, key: string, answer: Command, now: number): void {
  map.delete(key);
  map.set(key, { answer, givenAt: now, until: now + answersKeptMs });
  for (const [oldest, { until }] of map) {
    if (until > now && map.size <= maxAnswers) break;
    map.delete(oldest);
  }
}

function get(
  map: Map<string, Kept>,
  key: string,
  now: number,
  patienceMs: number,
): Command | undefined {
  const found = map.get(key);
  if (found === undefined || found.until <= now || now - found.givenAt < patienceMs)
    return undefined;
  found.givenAt = now;
  return found.answer;
}
