/**
 * What whoever sees a failure should do about it. `fix-caller`: the call itself was wrong. `reject`: the input is bad and will
 * stay bad. `ignore`: nothing is wrong, nothing to do. `retry`: the same call may succeed later. `wait`: something else has to
 * arrive first. `halt`: stop using this object, its state can no longer be trusted.
 */
export type Disposition = "fix-caller" | "reject" | "ignore" | "retry" | "wait" | "halt";

/** Ids and numbers that help to find the cause. Never secrets, never content. */
export type ErrorDetails = Readonly<Record<string, string | number | bigint | boolean | undefined>>;

export interface ErrorOptions {
  readonly disposition: Disposition;
  readonly details?: ErrorDetails | undefined;
  readonly cause?: unknown;
  /** Words for people; callers branch on `code`. Defaults to the code and its details. */
  readonly message?: string | undefined;
}

/** The root of every error this project throws. `code` is `room/what` and is API: it stays the same across releases. */
export class CoterieError extends Error {
  readonly code: string;
  readonly disposition: Disposition;
  readonly details: ErrorDetails;

  constructor(code: string, options: ErrorOptions) {
    super(
      options.message ?? describe(code, options.details),
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = new.target.name;
    this.code = code;
    this.disposition = options.disposition;
    this.details = options.details ?? {};
  }
}

function describe(code: string, details: ErrorDetails = {}): string {
  const parts = Object.entries(details)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${String(value)}`);
  return parts.length === 0 ? code : `${code} (${parts.join(", ")})`;
}

/** A bug of ours, not a fault of the caller or of the network. */
export class InvariantError extends CoterieError {
  constructor(what: string) {
    super("base/invariant", { disposition: "halt", message: `invariant broken: ${what}` });
  }
}

/** States what must be true here; throws {@link InvariantError} where it is not. */
export function invariant(condition: unknown, what: string): asserts condition {
  if (!condition) throw new InvariantError(what);
}

/** Closes a `switch` over a union: a new member becomes a compile error here and an invariant at run time. */
export function unreachable(value: never): never {
  throw new InvariantError(`unexpected ${String((value as { kind?: unknown })?.kind ?? value)}`);
}
