import { createMemoryStore } from "@coterie/storage";
import type { Store } from "@coterie/storage";
import type { SlimName } from "@coterie/wire/slim";
import type { HistoryKeeper } from "../history/history.ts";
import { createHistoryLog } from "../history/log.ts";
import type { HistoryEntry } from "../history/letters.ts";
import { SessionError } from "../errors.ts";
import { Name } from "./name.ts";
import type { NameLike } from "./name.ts";
import type { WaitOptions } from "./handle.ts";

export interface HistoryOptions {
  /** Whether this member may have earlier messages of this session. */
  readonly mayHave: (asked: {
    readonly session: number;
    readonly member: Name;
    readonly limit: number;
    readonly since: Date;
  }) => boolean | Promise<boolean>;
  /** Where they are kept; in memory by default. Its owner closes it. */
  readonly store?: Store | undefined;
  /** How many of each session; 1000 by default. */
  readonly keep?: number | undefined;
}

export interface HistoryQuery extends WaitOptions {
  /** One member; by default each that is online, until one gives something. */
  readonly from?: NameLike | undefined;
  /** The newest so many; at most 500, and 100 by default. */
  readonly limit?: number | undefined;
  /** Later ones alone: a date, or Unix milliseconds. */
  readonly since?: Date | number | undefined;
}

/** A message of earlier, as a member has told it. */
export interface HistoricMessage {
  readonly sourceName: Name;
  readonly messageId: number;
  readonly payloadType: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly payload: Uint8Array;
  /** When it came to the one who tells. */
  readonly time: Date;
  readonly toldBy: Name | undefined;
}

const defaultKeep = 1000;
const maxKeep = 1_000_000;

/** Throws `session/bad-argument`. */
export function keeperOf(options: HistoryOptions): HistoryKeeper {
  const { mayHave, store = createMemoryStore(), keep = defaultKeep } = options;
  if (!Number.isSafeInteger(keep) || keep < 1 || keep > maxKeep) {
    throw new SessionError("session/bad-argument", { what: "keep", limit: maxKeep });
  }
  return {
    log: createHistoryLog(store, keep),
    mayHave: ({ session, member, limit, sinceMs }) =>
      mayHave({ session, member: Name.of(member), limit, since: new Date(sinceMs) }),
  };
}

export function historicOf(entry: HistoryEntry, toldBy: SlimName | undefined): HistoricMessage {
  return {
    sourceName: Name.of(entry.source),
    messageId: entry.messageId,
    payloadType: entry.payloadType,
    metadata: entry.metadata,
    payload: entry.payload,
    time: new Date(entry.timeMs),
    toldBy: toldBy && Name.of(toldBy),
  };
}
