import type { SessionSettings, SessionView } from "../../core/port.ts";
import { SessionError } from "../../errors.ts";
import { millisecondsOf } from "../duration.ts";
import type { Duration } from "../duration.ts";
import { SessionType } from "../enums.ts";
import { recordOf } from "./variant.ts";
import type { RecordMaker } from "./variant.ts";

/** Text by text; a plain object does as well. */
export type Metadata = ReadonlyMap<string, string> | Readonly<Record<string, string>>;

export interface MlsSettings {
  /** Natives check this share of what they decrypt against its header; we check all (SML-11). */
  headerIntegrityValidationPercent: number;
  /** As in the bindings; ours is fixed at 1,000 for each sender (SSG-05). */
  maxSeenControlMessageIdsSize?: bigint | undefined;
}
export const MlsSettings: RecordMaker<MlsSettings> = recordOf({
  headerIntegrityValidationPercent: 100,
});

export interface SessionConfig {
  sessionType: SessionType;
  /** Resends of an unacknowledged message before its receiver counts as offline. With `interval`: reliable (SSN-05). */
  maxRetries?: number | undefined;
  /** Between resends: milliseconds, or `{ seconds: 5 }`. */
  interval?: Duration | undefined;
  /** Comes with the invitation, and is the session's metadata at every member (SSN-11). */
  metadata?: Metadata | undefined;
  mlsSettings?: MlsSettings | undefined;
  /** The same as `mlsSettings` with 100 percent. */
  enableMls?: boolean | undefined;
  /** A group without acknowledgements, which no native app joins (SGR-07). */
  oursOnly?: boolean | undefined;
  /** Stays open when its last member leaves (SGR-35). */
  keepEmptyGroup?: boolean | undefined;
  /** With MLS: also types and metadata of messages are encrypted, for apps of this library alone (SML-12). */
  sealMetadata?: boolean | undefined;
  /** With MLS: who comes in changes the keys of all, as who goes does (SML-09). Native members take part. */
  pathOnAdd?: boolean | undefined;
  /** With MLS: before an invitation, native members whose credential has expired are removed and invited again (SML-22). */
  reinviteExpired?: boolean | undefined;
  /** Nobody takes the moderator's place when it is lost; otherwise an app of this library does after a while (SHB-18). */
  noSuccessor?: boolean | undefined;
  /** `publish` rejects where not everybody acknowledged (SRL-06). */
  requireAll?: boolean | undefined;
}
export const SessionConfig: RecordMaker<SessionConfig> = recordOf();

/** As the core has it. Throws `session/bad-argument`. */
export function settingsOf(config: SessionConfig): SessionSettings {
  const { maxRetries, interval } = config;
  const percent =
    config.mlsSettings?.headerIntegrityValidationPercent ??
    (config.enableMls === true ? 100 : undefined);
  return {
    kind: kindOf(config.sessionType),
    metadata: metadataOf(config.metadata),
    reliability:
      maxRetries === undefined || interval === undefined
        ? undefined
        : {
            intervalMs: uint32("interval", millisecondsOf(interval)),
            maxRetries: uint32("maxRetries", maxRetries),
          },
    mls:
      percent === undefined
        ? undefined
        : { headerIntegrityPercent: uint32("headerIntegrityValidationPercent", percent) },
    oursOnly: config.oursOnly,
    keepEmptyGroup: config.keepEmptyGroup,
    sealMetadata: config.sealMetadata,
    pathOnAdd: config.pathOnAdd,
    reinviteExpired: config.reinviteExpired,
    noSuccessor: config.noSuccessor,
    requireAll: config.requireAll,
  };
}

/** As the bindings have it. */
export function configOf({ settings }: SessionView): SessionConfig {
  const { kind, reliability, mls, metadata } = settings;
  return {
    sessionType: kind === "group" ? SessionType.Group : SessionType.PointToPoint,
    maxRetries: reliability?.maxRetries,
    interval: reliability?.intervalMs,
    metadata: new Map(metadata),
    mlsSettings: mls && { headerIntegrityValidationPercent: mls.headerIntegrityPercent },
  };
}

/** Throws `session/bad-argument` for what is no text. */
export function metadataOf(metadata: Metadata | null | undefined): ReadonlyMap<string, string> {
  if (metadata === undefined || metadata === null) return none;
  const map = metadata instanceof Map ? metadata : new Map(Object.entries(metadata));
  if (map.size === 0) return none;
  for (const [key, value] of map) {
    if (typeof key !== "string" || typeof value !== "string") {
      throw new SessionError("session/bad-argument", { what: "metadata" });
    }
  }
  // later changes of the caller's are not ours
  return new Map(map);
}

const none: ReadonlyMap<string, string> = new Map();

function kindOf(type: SessionType): SessionSettings["kind"] {
  if (type === SessionType.Group) return "group";
  if (type === SessionType.PointToPoint) return "point-to-point";
  throw new SessionError("session/bad-argument", { what: "sessionType" });
}

function uint32(what: string, value: number): number {
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 32) return value;
  throw new SessionError("session/bad-argument", { what });
}
