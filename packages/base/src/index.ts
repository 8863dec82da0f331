export { CoterieError, InvariantError, invariant, unreachable } from "./errors.ts";
export type { Disposition, ErrorDetails, ErrorOptions } from "./errors.ts";
export {
  BytesError,
  compare,
  concat,
  equal,
  equalConstantTime,
  fromBase64Url,
  fromHex,
  fromUtf8,
  toBase64Url,
  toHex,
  toUtf8,
  wipe,
} from "./bytes.ts";
export type { Bytes } from "./bytes.ts";
export { idBytes, idFromBytes, parseId } from "./ids.ts";
export type { Branded, GroupId, InboxId, InstallationId, MessageId } from "./ids.ts";
export { silentLog, systemClock, systemRandom } from "./ports.ts";
export type { Clock, Log, LogLevel, Random } from "./ports.ts";
