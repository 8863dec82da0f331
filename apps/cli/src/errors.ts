import { CoterieError } from "@coterie/base";
import type { Disposition, ErrorOptions } from "@coterie/base";

/** What the commands themselves refuse; all else comes from the packages below with codes of its own. */
export type CliErrorCode =
  /** The folder holds no identity yet: `coterie init` makes one. */
  | "cli/not-initialized"
  /** The folder holds an identity already. */
  | "cli/already-initialized"
  /** A key file or a setting of the folder cannot be read for what it is. */
  | "cli/bad-home"
  /** An argument that is no conversation, person, number or state. */
  | "cli/bad-argument"
  /** The start of an id that fits several conversations. */
  | "cli/ambiguous"
  /** No conversation of this id here. */
  | "cli/no-such-conversation"
  /** A server of SLIM said no; the message is its own. */
  | "cli/refused"
  /** A server of SLIM could not be reached, or did not answer in time. */
  | "cli/no-answer"
  /** A file of settings that is no YAML, or holds what no setting can be. */
  | "cli/bad-settings";

const dispositions: Readonly<Record<CliErrorCode, Disposition>> = {
  "cli/not-initialized": "fix-caller",
  "cli/already-initialized": "fix-caller",
  "cli/bad-home": "fix-caller",
  "cli/bad-argument": "fix-caller",
  "cli/ambiguous": "fix-caller",
  "cli/no-such-conversation": "fix-caller",
  "cli/refused": "reject",
  "cli/no-answer": "retry",
  "cli/bad-settings": "fix-caller",
};

export class CliError extends CoterieError {
  declare readonly code: CliErrorCode;

  constructor(
    code: CliErrorCode,
    message: string,
    options: Omit<ErrorOptions, "disposition"> = {},
  ) {
    super(code, { ...options, message, disposition: dispositions[code] });
  }
}

/** 0 is well; 2 is the command line; 3 may go better later; 1 is everything else. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof CoterieError)) return 1;
  if (error.code === "cli/bad-argument") return 2;
  return error.disposition === "retry" || error.disposition === "wait" ? 3 : 1;
}
