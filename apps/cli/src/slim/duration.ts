import { durationOf } from "@coterie/node/yaml";
import { CliError } from "../errors.ts";

/** Milliseconds of `15s`, `1m30s`, `500ms`. Throws `cli/bad-argument`. */
export function parseDuration(text: string): number {
  const ms = durationOf(text);
  if (ms !== undefined) return ms;
  throw new CliError("cli/bad-argument", `invalid duration '${text}', expected e.g. 15s or 1m`);
}
