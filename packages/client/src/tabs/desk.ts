import type { AsyncStreamProxy } from "../async-stream.ts";
import type { Client } from "../client.ts";
import { Conversation } from "../conversation.ts";
import { ClientError } from "../errors.ts";
import type { Answer, Call, ConversationFacts, StreamEvent, TabValue } from "./protocol.ts";
import { factsOf, isStream, toTabError, toTabValue } from "./values.ts";

/** Carries out what tabs ask of the one client there is. */
export interface Desk {
  perform(call: Call, emit: (event: StreamEvent) => void): Promise<Answer>;
  endStream(id: string): void;
}

interface SharedStream {
  readonly stream: Promise<AsyncStreamProxy<unknown>>;
  /** By the id of the call that asked for it. */
  readonly listeners: Map<string, (event: StreamEvent) => void>;
}

/** What ends the client for everybody, or cannot be told to another tab, is not for asking. */
const withheld = new Set(["constructor", "close", "deleteLocalDatabase", "onEvent"]);

export function createDesk(client: Client): Desk {
  const streams = new Map<string, SharedStream>();

  async function objectOf(call: Call): Promise<object> {
    const { target } = call;
    switch (target.kind) {
      case "client":
        return client;
      case "conversations":
        return client.conversations;
      case "preferences":
        return client.preferences;
      case "conversation": {
        const found = await client.conversations.getConversationById(target.id);
        if (!found) throw new ClientError("client/not-found", { groupId: target.id });
        return found;
      }
    }
  }

  /** Tells all who listen. Equal streams of several tabs are one: a browser has few connections to give. */
  async function pump(key: string, shared: SharedStream): Promise<void> {
    const tell = (event: StreamEvent): void => {
      for (const emit of shared.listeners.values()) emit(event);
    };
    try {
      for await (const value of await shared.stream) {
        const about = await aboutMessage(value);
        tell({ kind: "value", value: toTabValue(value), about });
      }
      tell({ kind: "end" });
    } catch (error) {
      tell({ kind: "fail", error: toTabError(error) });
    } finally {
      if (streams.get(key) === shared) streams.delete(key);
    }
  }

  async function openStream(
    call: Call,
    method: (options: unknown) => unknown,
    emit: (event: StreamEvent) => void,
  ): Promise<TabValue> {
    const key = keyOf(call);
    let shared = streams.get(key);
    if (!shared) {
      const listeners: SharedStream["listeners"] = new Map();
      const onRestart = (): void => {
        for (const tell of listeners.values()) tell({ kind: "restart" });
      };
      const options = { ...(call.args[0] as object), onRestart };
      shared = { listeners, stream: openedBy(method, options) };
      streams.set(key, shared);
      void pump(key, shared);
    }
    shared.listeners.set(call.id, emit);
    try {
      await shared.stream;
    } catch (error) {
      shared.listeners.delete(call.id);
      throw error;
    }
    return { kind: "stream" };
  }

  /** A message may have changed its conversation: its name, or who is in it. */
  async function aboutMessage(value: unknown): Promise<ConversationFacts | undefined> {
    const id = (value as { conversationId?: unknown } | null)?.conversationId;
    if (typeof id !== "string") return undefined;
    const found = await client.conversations.getConversationById(id);
    return found && factsOf(found);
  }

  return {
    async perform(call, emit) {
      try {
        const object = await objectOf(call);
        const method = (object as Record<string, unknown>)[call.method];
        if (typeof method !== "function" || withheld.has(call.method)) {
          throw new ClientError("client/unsupported", { method: call.method });
        }
        const about = (): ConversationFacts | undefined =>
          object instanceof Conversation ? factsOf(object) : undefined;
        if (call.method.startsWith("stream")) {
          const value = await openStream(call, method.bind(object) as never, emit);
          return { kind: "value", value, about: about() };
        }
        const value: unknown = await method.apply(object, call.args);
        return { kind: "value", value: toTabValue(value), about: about() };
      } catch (error) {
        return { kind: "error", error: toTabError(error) };
      }
    },
    endStream(id) {
      for (const [key, { listeners, stream }] of streams) {
        if (!listeners.delete(id) || listeners.size > 0) continue;
        // Whoever asks for the same from now on gets a stream of their own.
        streams.delete(key);
        void stream.then((open) => open.end()).catch(() => undefined);
      }
    },
  };
}

/** Equal for streams that tell the same. */
function keyOf({ target, method, args }: Call): string {
  return JSON.stringify([target, method, args[0] ?? {}], (_name, value: unknown) =>
    typeof value === "bigint" ? `${value}n` : value,
  );
}

async function openedBy(
  method: (options: unknown) => unknown,
  options: object,
): Promise<AsyncStreamProxy<unknown>> {
  const value = await method(options);
  if (!isStream(value)) throw new ClientError("client/unsupported", { method: method.name });
  return value;
}
