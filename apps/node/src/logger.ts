import type { Log as Logger } from "@coterie/base";
import { destination, pino } from "pino";
import type { LogLevelName } from "./config.ts";

/** JSON lines on stderr. Synchronous, so that the last line of a dying process is not lost. */
export function createLogger(level: LogLevelName): Logger {
  const out = pino(
    { level, base: null, serializers: { error: pino.stdSerializers.err } },
    destination({ fd: 2, sync: true }),
  );
  return { write: (at, event, fields = {}) => out[at]({ ...fields }, event) };
}
