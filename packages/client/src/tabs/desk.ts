import type { Client } from "../client.ts";
import { Conversation } from "../conversation.ts";
import { ClientError } from "../errors.ts";
import type { Answer, Call, ConversationFacts, StreamEvent } from "./protocol.ts";
import { factsOf, isStream, toTabError, toTabValue } from "./values.ts";

/** Carries out what tabs ask of the one client there is. */
export interface Desk {
  perform(call: Call, emit: (event: StreamEvent) => void): Promise<Answer>;
  endStream(id: string): void;
}

/** What ends the client for everybody, or cannot be told to another tab, is not for asking. */
const withheld = new Set(["constructor", "close", "deleteLocalDatabase", "onEvent"]);

export function createDesk(client: Client): Desk {
  const streams = new Map<string, { end(): unknown }>();

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

  async function pump(
    id: string,
    stream: AsyncIterable<unknown>,
    emit: (event: StreamEvent) => void,
  ): Promise<void> {
    try {
      for await (const value of stream) {
        emit({ kind: "value", value: toTabValue(value), about: await aboutMessage(value) });
      }
      emit({ kind: "end" });
    } catch (error) {
      emit({ kind: "fail", error: toTabError(error) });
    } finally {
      streams.delete(id);
    }
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
        const args = call.method.startsWith("stream")
          ? [{ ...(call.args[0] as object), onRestart: () => emit({ kind: "restart" }) }]
          : call.args;
        const value: unknown = await method.apply(object, args);
        if (isStream(value)) {
          streams.set(call.id, value as unknown as { end(): unknown });
          void pump(call.id, value, emit);
        }
        const about = object instanceof Conversation ? factsOf(object) : undefined;
        return { kind: "value", value: toTabValue(value), about };
      } catch (error) {
        return { kind: "error", error: toTabError(error) };
      }
    },
    endStream(id) {
      void streams.get(id)?.end();
      streams.delete(id);
    },
  };
}
