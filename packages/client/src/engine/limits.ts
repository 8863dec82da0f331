import { toUtf8 } from "@coterie/base";
import { ClientError } from "../errors.ts";

/** XGC-37, in bytes of UTF-8, by attribute key. */
const attributeLimits: Readonly<Record<string, number>> = {
  group_name: 100,
  description: 1000,
  group_image_url_square: 2048,
  app_data: 8192,
};

/** Whether a value keeps within its limit; keys without one have none. */
export function fitsAttribute(key: string, value: string): boolean {
  const limit = Object.hasOwn(attributeLimits, key) ? attributeLimits[key] : undefined;
  if (limit === undefined || value.length * 3 <= limit) return true;
  return toUtf8(value).length <= limit;
}

/** Throws `client/too-many-characters` (XGC-37). */
export function assertAttribute(key: string, value: string): void {
  if (!fitsAttribute(key, value)) {
    throw new ClientError("client/too-many-characters", {
      rule: "XGC-37",
      field: key,
      limit: attributeLimits[key],
    });
  }
}

/** What the engine holds at most; every one is a bound on memory or on work per call. */
export const limits = {
  /** Sequence ids processed ahead of the cursor before a full sync moves it (XST-03). */
  ahead: 64,
  /** Pages and chunks of requests. */
  page: 100,
  identityChunk: 50,
  /** Loaded MLS groups kept in memory, and their leaves together: a leaf with its keys takes about 3 KB. */
  loadedGroups: 128,
  loadedLeaves: 20_000,
  /** Encoded welcomes per request (XWL-10). */
  welcomeChunk: 50,
  welcomeBytes: 26_214_400,
  /** Key packages asked for in one request. */
  keyPackageChunk: 100,
  /** Entries and groups in one request of the commit log (XIN-42). */
  commitLogBatch: 10,
  commitLogGroups: 20,
  /** Content of one message. Nodes keep a little more, and members could not read past anything much larger (XND-03). */
  contentBytes: 20_000_000,
  /** Default of `maxGroupSize` (§13). */
  groupSize: 400,
  installations: 10,
} as const;
