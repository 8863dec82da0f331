import { NodeError } from "../errors.ts";

/**
 * A mapping of a configuration file that is read key by key. Whatever is wrong throws `node/bad-config` with the path of its key in
 * `details.path`; values stay out of it, as they may be secrets. `end` refuses keys that nobody asked for: a typo is no default.
 */
export interface Section {
  readonly path: string;
  has(key: string): boolean;
  text(key: string): string | undefined;
  /** Whole and not negative. */
  number(key: string): number | undefined;
  flag(key: string): boolean | undefined;
  /** Milliseconds of `15s`, `1m30s`, `500ms`; a bare number is seconds. */
  durationMs(key: string): number | undefined;
  oneOf<T extends string>(key: string, words: readonly T[]): T | undefined;
  section(key: string): Section | undefined;
  /** As it stands, for keys with several shapes. */
  raw(key: string): unknown;
  /** Mappings of a list; none where the key is absent. */
  sections(key: string): readonly Section[];
  texts(key: string): readonly string[];
  /** Mappings by their keys, for keys that people choose. */
  entries(): readonly (readonly [name: string, Section])[];
  /** The same for texts. */
  textEntries(): readonly (readonly [name: string, string])[];
  /** Keys that SLIM knows and this node has no use for; those that are there and were not read are noted. */
  ignore(...keys: readonly string[]): void;
  end(): void;
  bad(key: string, words: string): NodeError;
}

/** Reads `value` as a mapping. Keys that were ignored are added to `notes`. */
export function createSection(value: unknown, path: string, notes: string[]): Section {
  const map = asMapping(value, path);
  const asked = new Set<string>();
  const at = (key: string): string => (path === "" ? key : `${path}.${key}`);
  const take = (key: string): unknown => {
    asked.add(key);
    // An empty value in YAML is null: as if it were not there.
    return map[key] ?? undefined;
  };
  const read = <T>(key: string, what: string, parse: (found: unknown) => T | undefined) => {
    const found = take(key);
    if (found === undefined) return undefined;
    const parsed = parse(found);
    if (parsed === undefined) throw badConfig(at(key), `must be ${what}`);
    return parsed;
  };
  const list = (key: string): readonly unknown[] =>
    read(key, "a list", (found) => (Array.isArray(found) ? (found as unknown[]) : undefined)) ?? [];
  const section: Section = {
    path,
    has: (key) => map[key] !== undefined && map[key] !== null,
    text: (key) => read(key, "a text", textOf),
    number: (key) =>
      read(key, "a whole number", (found) => {
        const number = typeof found === "string" && /^\d+$/.test(found) ? Number(found) : found;
        return Number.isSafeInteger(number) && (number as number) >= 0
          ? (number as number)
          : undefined;
      }),
    flag: (key) =>
      read(key, "true or false", (found) =>
        typeof found === "boolean"
          ? found
          : found === "true" || found === "false"
            ? found === "true"
            : undefined,
      ),
    durationMs: (key) => read(key, "a duration such as 15s", durationOf),
    oneOf: (key, words) =>
      read(key, `one of ${words.join(", ")}`, (found) => words.find((word) => word === found)),
    section: (key) => {
      const found = take(key);
      return found === undefined ? undefined : createSection(found, at(key), notes);
    },
    raw: take,
    sections: (key) =>
      list(key).map((entry, index) => createSection(entry, `${at(key)}[${index}]`, notes)),
    texts: (key) =>
      list(key).map((entry, index) => {
        const text = textOf(entry);
        if (text === undefined) throw badConfig(`${at(key)}[${index}]`, "must be a text");
        return text;
      }),
    entries: () =>
      Object.entries(map).map(([name, entry]) => {
        asked.add(name);
        return [name, createSection(entry, at(name), notes)] as const;
      }),
    textEntries: () => Object.keys(map).map((name) => [name, section.text(name) ?? ""] as const),
    ignore: (...keys) => {
      for (const key of keys) if (!asked.has(key) && take(key) !== undefined) notes.push(at(key));
    },
    end: () => {
      const unknown = Object.keys(map).find((key) => !asked.has(key));
      if (unknown !== undefined) throw badConfig(at(unknown), "is no key that is known here");
    },
    bad: (key, words) => badConfig(key === "" ? path : at(key), words),
  };
  return section;
}

/** The error of a configuration file: where, and what should stand there. */
export function badConfig(path: string, words: string, cause?: unknown): NodeError {
  return new NodeError("node/bad-config", {
    message: `${path === "" ? "the file" : path} ${words}`,
    details: { path },
    cause,
  });
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of `15s`, `1m30s`, `500ms`; a bare number is seconds. Undefined for anything else. */
export function durationOf(found: unknown): number | undefined {
  if (typeof found === "number") return found >= 0 && found < 1e9 ? found * 1000 : undefined;
  if (typeof found !== "string") return undefined;
  const parts = [...found.matchAll(/(\d{1,9})(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join("") !== found) return undefined;
  return parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * (unitsMs[unit as string] as number),
    0,
  );
}

function textOf(found: unknown): string | undefined {
  if (typeof found === "string") return found;
  // An id or a port that YAML takes for a number is still what was written.
  return typeof found === "number" ? String(found) : undefined;
}

function asMapping(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw badConfig(path, "must be a mapping");
}
