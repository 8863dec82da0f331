import { CoterieError, fromUtf8, toUtf8 } from "@coterie/base";
import { formatSlimName, parseSlimName } from "@coterie/wire/slim";
import { SessionError } from "../errors.ts";
import type { Member, Session, Succession } from "./model.ts";
import type { KnownName, NameBook } from "./names.ts";
import type { SessionSettings } from "./port.ts";

// What is stored of a session (SHB-17), each entry with what changes together. MLS adds its own under `mls/`.

/** Raised with each change of the form. */
const version = 1;

/** Fixed when a session begins, but for its moderator and, in a pair, the peer. */
export interface SessionRecord {
  readonly id: number;
  readonly settings: SessionSettings;
  readonly isInitiator: boolean;
  readonly source: KnownName;
  readonly destination: KnownName;
  readonly control: KnownName | undefined;
  readonly moderator: KnownName;
}

export function encodeSession(session: Session): Uint8Array {
  const { settings, id, isInitiator } = session;
  return json({
    version,
    id,
    isInitiator,
    kind: settings.kind,
    metadata: [...settings.metadata],
    reliability: settings.reliability,
    mls: settings.mls,
    oursOnly: settings.oursOnly,
    pathOnAdd: settings.pathOnAdd,
    reinviteExpired: settings.reinviteExpired,
    keepEmptyGroup: settings.keepEmptyGroup,
    requireAll: settings.requireAll,
    source: session.source.key,
    destination: session.destination.key,
    control: session.control?.key,
    moderator: session.moderator.key,
  });
}

export function decodeSession(names: NameBook, bytes: Uint8Array | undefined): SessionRecord {
  const entry = new Entry(bytes);
  if (entry.number("version") !== version) throw bad("version");
  const kind = entry.string("kind");
  if (kind !== "group" && kind !== "point-to-point") throw bad("kind");
  const timers = entry.record("reliability");
  const mls = entry.record("mls");
  const control = entry.optionalString("control");
  return {
    id: entry.number("id"),
    isInitiator: entry.boolean("isInitiator"),
    settings: {
      kind,
      metadata: new Map(entry.pairs("metadata")),
      reliability: timers && {
        intervalMs: timers.number("intervalMs"),
        maxRetries: timers.number("maxRetries"),
      },
      mls: mls && { headerIntegrityPercent: mls.number("headerIntegrityPercent") },
      oursOnly: entry.optionalBoolean("oursOnly"),
      pathOnAdd: entry.optionalBoolean("pathOnAdd"),
      reinviteExpired: entry.optionalBoolean("reinviteExpired"),
      keepEmptyGroup: entry.optionalBoolean("keepEmptyGroup"),
      requireAll: entry.optionalBoolean("requireAll"),
    },
    source: entry.name(names, "source"),
    destination: entry.name(names, "destination"),
    control: control === undefined ? undefined : entry.name(names, "control"),
    moderator: entry.name(names, "moderator"),
  };
}

export function encodeRoster(roster: ReadonlyMap<string, Member>): Uint8Array {
  return json(
    [...roster.values()].map(({ name, settings, online, ours, leaf, credentialUntil }) => ({
      name: formatSlimName(name.name),
      sends: settings.sendsData,
      receives: settings.receivesData,
      online,
      ours,
      leaf,
      credentialUntil,
    })),
  );
}

export function decodeRoster(names: NameBook, bytes: Uint8Array | undefined): Map<string, Member> {
  const members = listOf(bytes).map((value): [string, Member] => {
    const entry = new Entry(value);
    const name = entry.name(names, "name");
    return [
      name.key,
      {
        name,
        settings: {
          sendsData: entry.boolean("sends"),
          receivesData: entry.boolean("receives"),
        },
        online: entry.boolean("online"),
        ours: entry.boolean("ours"),
        leaf: entry.optionalNumber("leaf"),
        credentialUntil: entry.optionalNumber("credentialUntil"),
      },
    ];
  });
  return new Map(members);
}

/** What a member has promised, and what a new moderator still has to tell (SHB-18). */
export interface SuccessionRecord {
  readonly since: number;
  readonly proof: string | undefined;
  readonly untold: ReadonlyMap<string, number>;
  /** How long it still binds is not known any more. */
  readonly vote: { readonly from: string; readonly successor: string } | undefined;
}

export function encodeSuccession({ since, proof, untold, vote }: Succession): Uint8Array {
  return json({
    since,
    proof,
    untold: [...untold].map(([name, left]) => ({ name, left })),
    vote: vote && { from: vote.from, successor: vote.successor },
  });
}

/** Undefined where it was stored by a version that did not keep it. */
export function decodeSuccession(bytes: Uint8Array | undefined): SuccessionRecord | undefined {
  if (bytes === undefined) return undefined;
  const entry = new Entry(bytes);
  const vote = entry.record("vote");
  const untold = entry.records("untold");
  return {
    since: entry.number("since"),
    proof: entry.optionalString("proof"),
    untold: new Map(untold.map((one) => [one.string("name"), one.number("left")])),
    vote: vote && { from: vote.string("from"), successor: vote.string("successor") },
  };
}

/** Commits and the age of our leaf (SML-30, SML-21). */
export function encodeCounters(counters: {
  readonly lastCommit: number;
  readonly mintedAt: number;
}): Uint8Array {
  return json({ lastCommit: counters.lastCommit, mintedAt: counters.mintedAt });
}

export function decodeCounters(bytes: Uint8Array | undefined): {
  readonly lastCommit: number;
  readonly mintedAt: number;
} {
  const entry = new Entry(bytes);
  return { lastCommit: entry.number("lastCommit"), mintedAt: entry.number("mintedAt") };
}

/** A data id: the next one of ours, or the last one of a source. */
export function encodeId(id: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, id);
  return bytes;
}

export function decodeId(bytes: Uint8Array | undefined): number {
  if (bytes?.length !== 4) throw bad("id");
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
}

/** Fields of a stored record; every one that is missing or of another type is `session/bad-entry`. */
class Entry {
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(value: unknown) {
    const parsed = value instanceof Uint8Array ? parse(value) : value;
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw bad("form");
    this.#fields = parsed as Readonly<Record<string, unknown>>;
  }

  #get<T>(field: string, is: (value: unknown) => value is T): T {
    const value = this.#fields[field];
    if (!is(value)) throw bad(field);
    return value;
  }

  #find<T>(field: string, is: (value: unknown) => value is T): T | undefined {
    return this.#fields[field] === undefined ? undefined : this.#get(field, is);
  }

  number = (field: string): number => this.#get(field, isNumber);
  optionalNumber = (field: string): number | undefined => this.#find(field, isNumber);
  boolean = (field: string): boolean => this.#get(field, isBoolean);
  optionalBoolean = (field: string): boolean | undefined => this.#find(field, isBoolean);
  string = (field: string): string => this.#get(field, isString);
  optionalString = (field: string): string | undefined => this.#find(field, isString);

  record(field: string): Entry | undefined {
    const value = this.#fields[field];
    return value === undefined ? undefined : new Entry(value);
  }

  records(field: string): Entry[] {
    return (this.#get(field, Array.isArray) as unknown[]).map((value) => new Entry(value));
  }

  pairs(field: string): [string, string][] {
    const value = this.#get(field, Array.isArray) as unknown[];
    return value.map((pair) => {
      if (!Array.isArray(pair) || !isString(pair[0]) || !isString(pair[1])) throw bad(field);
      return [pair[0], pair[1]];
    });
  }

  name(names: NameBook, field: string): KnownName {
    try {
      return names.of(parseSlimName(this.string(field)));
    } catch (error) {
      if (!(error instanceof CoterieError)) throw error;
      throw bad(field);
    }
  }
}

const isNumber = (value: unknown): value is number => Number.isSafeInteger(value);
const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";
const isString = (value: unknown): value is string => typeof value === "string";

function listOf(bytes: Uint8Array | undefined): unknown[] {
  const value = parse(bytes);
  if (!Array.isArray(value)) throw bad("form");
  return value as unknown[];
}

function json(value: unknown): Uint8Array {
  return toUtf8(JSON.stringify(value));
}

function parse(bytes: Uint8Array | undefined): unknown {
  if (bytes === undefined) throw bad("missing");
  try {
    return JSON.parse(fromUtf8(bytes)) as unknown;
  } catch {
    throw bad("form");
  }
}

function bad(reason: string): SessionError {
  return new SessionError("session/bad-entry", { reason });
}
