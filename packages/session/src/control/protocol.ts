import { fromUtf8, toUtf8 } from "@coterie/base";

/** SCT-25. */
export const controlPayloadType = "application/vnd.slim.control+json";
/** Marks a control session, with the value "1". */
export const controlKey = "slim.ctl";
/** What an app that accepts controllers also answers to: `org/ns/<app>~ctl` (SCT-23). */
export const controlSuffix = "~ctl";

export const channelOps = [
  "create-channel",
  "delete-channel",
  "add-participant",
  "delete-participant",
  "list-channels",
  "list-participants",
] as const;
export type ChannelOp = (typeof channelOps)[number];

export type ControlRequest = { readonly id: string } & (
  | {
      readonly op: "create-channel";
      readonly channel: string;
      readonly mls: boolean;
      /** Milliseconds. */
      readonly interval: number;
      readonly maxRetries: number;
      readonly metadata: Readonly<Record<string, string>>;
      readonly grant: string;
    }
  | { readonly op: "delete-channel" | "list-participants"; readonly channel: string }
  | {
      readonly op: "add-participant" | "delete-participant";
      readonly channel: string;
      readonly participant: string;
    }
  | { readonly op: "list-channels" }
);

export type ControlAnswer = { readonly id: string } & (
  | {
      readonly ok: true;
      /** Of `list-channels`. */
      readonly channels?:
        | readonly { readonly channel: string; readonly grant: string }[]
        | undefined;
      /** Of `list-participants`: full names. */
      readonly participants?:
        | readonly { readonly name: string; readonly online: boolean }[]
        | undefined;
    }
  | { readonly ok: false; readonly error: string }
);

const maxBytes = 256 * 1024;

export const encodeControl = (value: ControlRequest | ControlAnswer): Uint8Array =>
  toUtf8(JSON.stringify(value));

/** Undefined for what is no request; one with an id alone is told so, rather than left waiting. */
export function readRequest(
  bytes: Uint8Array,
): ControlRequest | { readonly id: string } | undefined {
  const value = readObject(bytes);
  if (value === undefined || !isText(value["id"])) return undefined;
  const { id, op, channel, participant } = value;
  switch (op) {
    case "create-channel": {
      const { mls, interval, maxRetries, metadata = {}, grant } = value;
      if (!isText(channel) || !isText(grant) || typeof mls !== "boolean") return { id };
      if (!isCount(interval) || !isCount(maxRetries) || !isTextRecord(metadata)) return { id };
      return { id, op, channel, mls, interval, maxRetries, metadata, grant };
    }
    case "delete-channel":
    case "list-participants":
      return isText(channel) ? { id, op, channel } : { id };
    case "add-participant":
    case "delete-participant":
      if (!isText(channel) || !isText(participant)) return { id };
      return { id, op, channel, participant };
    case "list-channels":
      return { id, op };
    default:
      return { id };
  }
}

export function readAnswer(bytes: Uint8Array): ControlAnswer | undefined {
  const value = readObject(bytes);
  if (value === undefined || !isText(value["id"])) return undefined;
  const { id, ok, error, channels, participants } = value;
  if (ok === false) return { id, ok, error: isText(error) ? error : "refused" };
  if (ok !== true) return undefined;
  return {
    id,
    ok,
    channels: listOf(channels, ({ channel, grant }) =>
      isText(channel) && isText(grant) ? { channel, grant } : undefined,
    ),
    participants: listOf(participants, ({ name, online }) =>
      isText(name) ? { name, online: online === true } : undefined,
    ),
  };
}

function readObject(bytes: Uint8Array): Record<string, unknown> | undefined {
  if (bytes.length > maxBytes) return undefined;
  try {
    const value: unknown = JSON.parse(fromUtf8(bytes));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function listOf<T>(
  value: unknown,
  read: (entry: Record<string, unknown>) => T | undefined,
): readonly T[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.flatMap((entry): readonly T[] => {
    const found = isRecord(entry) ? read(entry) : undefined;
    return found === undefined ? [] : [found];
  });
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string =>
  typeof value === "string" && value !== "" && value.length <= 32_768;
const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** 31;
const isTextRecord = (value: unknown): value is Record<string, string> =>
  isRecord(value) && Object.values(value).every((text) => typeof text === "string");
