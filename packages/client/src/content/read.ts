import { fromHex, fromUtf8 } from "@coterie/base";
import { ClientError } from "../errors.ts";
import type { EncodedContent } from "./encoded-content.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** The error of every codec: `what` names the part that is missing or not of its kind. */
export function badContent(what: string, cause?: unknown): ClientError {
  return new ClientError("client/bad-content", { what }, { cause });
}

export function readText(bytes: Uint8Array, what = "text"): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw badContent(what, cause);
  }
}

/** The object that content is, as JSON. */
export function readJson(content: EncodedContent): JsonObject {
  const text = readText(content.content, "json");
  try {
    return asObject(JSON.parse(text), "json");
  } catch (cause) {
    throw badContent("json", cause);
  }
}

export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw badContent(what);
  return value as JsonObject;
}

export function asArray(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw badContent(what);
  return value;
}

export function text(from: JsonObject, key: string): string {
  const value = Object.hasOwn(from, key) ? from[key] : undefined;
  if (typeof value !== "string") throw badContent(key);
  return value;
}

/** Undefined also for null, which some writers use for what is absent. */
export function optionalText(from: JsonObject, key: string): string | undefined {
  const value = Object.hasOwn(from, key) ? from[key] : undefined;
  return value === undefined || value === null ? undefined : text(from, key);
}

export function finite(from: JsonObject, key: string): number {
  const value = Object.hasOwn(from, key) ? from[key] : undefined;
  if (typeof value !== "number" || !Number.isFinite(value)) throw badContent(key);
  return value;
}

/** An object whose values are all texts. */
export function texts(value: unknown, what: string): Readonly<Record<string, string>> {
  const entries = Object.entries(asObject(value, what));
  for (const [, item] of entries) if (typeof item !== "string") throw badContent(what);
  return Object.fromEntries(entries) as Record<string, string>;
}

export function parameter({ parameters }: EncodedContent, key: string): string {
  const value = optionalParameter(parameters, key);
  if (value === undefined) throw badContent(key);
  return value;
}

export function optionalParameter(
  parameters: Readonly<Record<string, string>>,
  key: string,
): string | undefined {
  return Object.hasOwn(parameters, key) ? parameters[key] : undefined;
}

export function hexParameter(content: EncodedContent, key: string): Uint8Array {
  try {
    return fromHex(parameter(content, key));
  } catch (cause) {
    throw badContent(key, cause);
  }
}

/** A message id: 64 digits of lower-case hex. */
export function isMessageId(id: string): boolean {
  return /^[0-9a-f]{64}$/.test(id);
}

/** The object without the keys whose value is undefined: JSON and lists of parameters have no such thing. */
export function present<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;
}
