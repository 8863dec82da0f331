import { SessionError } from "../errors.ts";

/** Milliseconds, or a sum of units. */
export type Duration =
  | number
  | {
      readonly days?: number | undefined;
      readonly hours?: number | undefined;
      readonly minutes?: number | undefined;
      readonly seconds?: number | undefined;
      readonly milliseconds?: number | undefined;
    };

const units = {
  days: 86_400_000,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1000,
  milliseconds: 1,
} as const;

/** Throws `session/bad-argument` for what is no length of time. */
export function millisecondsOf(duration: Duration): number {
  let ms = 0;
  if (typeof duration === "number") ms = duration;
  else if (typeof duration !== "object" || duration === null) ms = Number.NaN;
  else {
    for (const [unit, count = 0] of Object.entries(duration)) {
      ms += count * (units[unit as keyof typeof units] ?? Number.NaN);
    }
  }
  if (!(ms >= 0)) throw new SessionError("session/bad-argument", { what: "duration" });
  return ms;
}
