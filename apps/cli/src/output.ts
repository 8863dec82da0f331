import { CoterieError, toHex } from "@coterie/base";

/** Where a command writes, and in which form. */
export interface Output {
  readonly json: boolean;
  /** One result: a line of JSON, or the lines for people. */
  result(value: unknown, lines: readonly string[]): void;
  /** One line of a failure, on stderr. */
  failure(error: unknown): void;
}

export function createOutput(json: boolean): Output {
  return {
    json,
    result(value, lines) {
      if (json) process.stdout.write(`${toJson(value)}\n`);
      else for (const line of lines) process.stdout.write(`${line}\n`);
    },
    failure(error) {
      process.stderr.write(`${json ? toJson({ error: describe(error) }) : sentence(error)}\n`);
    },
  };
}

/** Numbers beyond JSON's become text, bytes hex. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === "bigint") return part.toString();
    if (part instanceof Uint8Array) return toHex(part);
    if (part instanceof Map) return Object.fromEntries(part);
    return part;
  });
}

/** Text of others for a terminal: nothing in it moves the cursor, changes colours or starts a line that looks like ours. */
export function harmless(text: string): string {
  return text.replaceAll(/\r?\n/g, " ⏎ ").replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "�");
}

/** The start of an id, which is what people compare. */
export function short(id: string): string {
  return `${id.slice(0, 8)}…`;
}

interface Described {
  readonly code: string;
  readonly disposition?: string;
  readonly message: string;
  readonly details?: unknown;
}

function describe(error: unknown): Described {
  if (!(error instanceof CoterieError)) {
    return {
      code: "cli/unexpected",
      message: error instanceof Error ? error.message : String(error),
    };
  }
  const { code, disposition, message, details } = error;
  return { code, disposition, message, details };
}

function sentence(error: unknown): string {
  const { code, message, details } = describe(error);
  const words = message.startsWith(code)
    ? message.slice(code.length).replace(/^[:\s]+/, "")
    : message;
  const known = Object.entries((details ?? {}) as Record<string, unknown>)
    .filter(([, value]) => value !== undefined && !words.includes(String(value)))
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(", ");
  return harmless(`coterie: ${[code, words, known].filter((part) => part !== "").join(": ")}`);
}
