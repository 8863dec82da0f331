import type { Publish } from "@coterie/wire/slim";
import { nameKey } from "./name-key.ts";
import type { Scheduler } from "./scheduler.ts";
import { tokensOf } from "./tokens.ts";

export interface PreparationParts {
  /** Undefined where there is nothing to wait for. */
  readonly prepare: (token: string) => Promise<void> | undefined;
  readonly scheduler: Scheduler;
  /** A message of more sources than this at a time is dropped (SSN-15). */
  readonly sources?: number | undefined;
  /** And of more messages than this that wait for one source. */
  readonly messages?: number | undefined;
  /** What is not ready by then is judged as it is. */
  readonly limitMs?: number | undefined;
  readonly dropped: () => void;
}

/** Messages wait here until what their tokens are verified with was fetched; those of one source stay in their order. */
export interface Preparation {
  /** Whether the message may be handed on now. If not, `handOn` is called for it later, or it was dropped. */
  admit(publish: Publish, handOn: () => void): boolean;
}

interface Waiting {
  readonly tokens: readonly string[];
  readonly handOn: () => void;
}

export function createPreparation(parts: PreparationParts): Preparation {
  const { sources: maxSources = 128, messages: maxMessages = 256, limitMs = 10_000 } = parts;
  const sources = new Map<string, Waiting[]>();

  /** What failed shows, with its reason, when the token is verified. */
  const within = async (ready: Promise<void>): Promise<void> => {
    let cancel = (): void => {};
    const late = new Promise<void>((resolve) => {
      cancel = parts.scheduler.later(limitMs, resolve);
    });
    await Promise.race([ready.catch(() => {}), late]);
    cancel();
  };

  const prepare = (tokens: readonly string[]): Promise<void> | undefined => {
    const waits = tokens.flatMap((token) => parts.prepare(token) ?? []);
    return waits.length < 2 ? waits[0] : Promise.all(waits).then(() => {});
  };

  const work = async (key: string, line: Waiting[], first: Promise<void>): Promise<void> => {
    await within(first);
    for (let at = 0; at < line.length; at += 1) {
      const { tokens, handOn } = line[at] as Waiting;
      const ready = at === 0 ? undefined : prepare(tokens);
      if (ready !== undefined) await within(ready);
      handOn();
    }
    sources.delete(key);
  };

  return {
    admit(publish, handOn) {
      const tokens = tokensOf(publish);
      const key = sources.size > 0 ? nameKey(publish.header?.source) : undefined;
      const line = key === undefined ? undefined : sources.get(key);
      if (line !== undefined) {
        if (line.length >= maxMessages) parts.dropped();
        else line.push({ tokens, handOn });
        return false;
      }
      const ready = prepare(tokens);
      if (ready === undefined) return true;
      if (sources.size >= maxSources) {
        ready.catch(() => {});
        parts.dropped();
        return false;
      }
      const begun = [{ tokens, handOn }];
      const own = nameKey(publish.header?.source);
      sources.set(own, begun);
      void work(own, begun, ready);
      return false;
    },
  };
}
