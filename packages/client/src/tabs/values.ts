import { CoterieError } from "@coterie/base";
import type { AsyncStreamProxy } from "../async-stream.ts";
import { Conversation } from "../conversation.ts";
import { Dm } from "../dm.ts";
import type { ConversationFacts, TabError, TabValue } from "./protocol.ts";

/** What the getters of a conversation say now, as far as it can be cloned. */
export function factsOf(conversation: Conversation): ConversationFacts {
  const values: Record<string, unknown> = {};
  let level: unknown = Object.getPrototypeOf(conversation);
  while (level !== null && level !== Object.prototype) {
    for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (get === undefined || name in values) continue;
      const value: unknown = get.call(conversation);
      if (isFact(value)) values[name] = value;
    }
    level = Object.getPrototypeOf(level);
  }
  return { id: conversation.id, type: conversation instanceof Dm ? "dm" : "group", values };
}

function isFact(value: unknown): boolean {
  return value === null || value instanceof Date || !["object", "function"].includes(typeof value);
}

/** A result in the form in which it travels. */
export function toTabValue(value: unknown): TabValue {
  if (value instanceof Conversation) return { kind: "conversation", facts: factsOf(value) };
  if (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((one) => one instanceof Conversation)
  ) {
    return { kind: "conversations", facts: value.map(factsOf) };
  }
  return { kind: "plain", value };
}

export function isStream(value: unknown): value is AsyncStreamProxy<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

export function toTabError(error: unknown): TabError {
  if (error instanceof CoterieError) {
    const { code, disposition, details, message } = error;
    return { code, disposition, details, message };
  }
  return { code: undefined, disposition: undefined, details: {}, message: String(error) };
}

/** The error again, with its code, as the other tab threw it. */
export function fromTabError(error: TabError): Error {
  const { code, disposition, details, message } = error;
  if (code === undefined || disposition === undefined) return new Error(message);
  return new CoterieError(code as `${string}/${string}`, { disposition, details, message });
}
