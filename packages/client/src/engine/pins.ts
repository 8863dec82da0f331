import { ClientError } from "../errors.ts";

/** Pins are a value of this key in the JSON object that `app_data` then is (§13). */
const pinsKey = "pins";
/** Pinning one more lets the oldest pin go. */
export const maxPins = 50;

type JsonObject = Readonly<Record<string, unknown>>;

/** Numbers keep the digits they were written with, where the platform can tell and say them. */
interface NumberSources {
  readonly rawJSON?: (source: string) => unknown;
}
function keepNumber(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const { rawJSON } = JSON as NumberSources;
  if (typeof value !== "number" || rawJSON === undefined || context?.source === undefined) {
    return value;
  }
  return rawJSON(context.source);
}

/** The object in `app_data`; an empty one where there is nothing. Throws `client/app-data-in-use` for anything else. */
function readObject(appData: string): JsonObject {
  if (appData === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(appData, keepNumber);
  } catch {
    value = undefined;
  }
  // By its first character too: a number kept as it was written is an object here.
  const braced = appData.trimStart().startsWith("{");
  if (!braced || typeof value !== "object" || value === null) {
    throw new ClientError("client/app-data-in-use", { size: appData.length });
  }
  return value as JsonObject;
}

/** Hex ids of pinned messages, most recent pin first. None where `app_data` is something else: reading never fails. */
export function readPins(appData: string): string[] {
  try {
    return pinsIn(readObject(appData));
  } catch {
    return [];
  }
}

/** Whoever may write `app_data` may write anything: what is no id is passed over, and no id counts twice. */
function pinsIn(object: JsonObject): string[] {
  const value = Object.hasOwn(object, pinsKey) ? object[pinsKey] : undefined;
  if (!Array.isArray(value)) return [];
  const ids = value.filter(
    (id): id is string => typeof id === "string" && /^[0-9a-f]{64}$/.test(id),
  );
  return [...new Set(ids)].slice(0, maxPins);
}

/** `app_data` with one pin put in front or taken out; other keys stay as they are. Throws `client/app-data-in-use`. */
export function withPin(appData: string, messageId: string, pinned: boolean): string {
  const object = readObject(appData);
  const others = pinsIn(object).filter((id) => id !== messageId);
  const pins = pinned ? [messageId, ...others].slice(0, maxPins) : others;
  return JSON.stringify({ ...object, [pinsKey]: pins });
}
