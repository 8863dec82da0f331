import { randomUUID } from "node:crypto";
import { ConfigurationCommand, ControlMessage } from "@coterie/wire/slim/controller";
import type {
  ConfigurationCommandAck,
  ConnectionEntry,
  RouteEntry,
} from "@coterie/wire/slim/controller";
import { ControllerError } from "./errors.ts";

type Payload = ControlMessage["payload"];

/** The control channel of one registered node. */
export interface NodeChannel {
  readonly nodeId: string;
  send(payload: Payload): void;
  /** Resolves with the node's statuses. These three throw `controller/no-answer` or `controller/node-away`. */
  command(value: Partial<ConfigurationCommand>): Promise<ConfigurationCommandAck>;
  routes(): Promise<readonly RouteEntry[]>;
  connections(): Promise<readonly ConnectionEntry[]>;
  /** Takes an answer; false where the message is none. */
  receive(message: ControlMessage): boolean;
  /** Ends the channel; whoever waits hears `controller/node-away`. */
  close(): void;
}

export interface NodeChannelParts {
  readonly nodeId: string;
  readonly answerMs: number;
  readonly push: (bytes: Uint8Array) => void;
  readonly end: () => void;
}

interface Waiting {
  readonly entries: unknown[];
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export function createNodeChannel({ nodeId, answerMs, push, end }: NodeChannelParts): NodeChannel {
  const waiting = new Map<string, Waiting>();
  let closed = false;

  const away = (): ControllerError =>
    new ControllerError("controller/node-away", {
      message: `node ${nodeId} is not connected`,
      details: { nodeId },
    });

  const settle = (id: string): Waiting | undefined => {
    const found = waiting.get(id);
    waiting.delete(id);
    clearTimeout(found?.timer);
    return found;
  };

  const ask = <T>(payload: Payload): Promise<T> => {
    if (closed) return Promise.reject(away());
    // SCT-02: the answer repeats this id
    const messageId = randomUUID();
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        settle(messageId);
        const message = `node ${nodeId} does not answer`;
        reject(new ControllerError("controller/no-answer", { message, details: { nodeId } }));
      }, answerMs);
      timer.unref();
      waiting.set(messageId, { entries: [], resolve, reject, timer });
      push(ControlMessage.encode({ messageId, payload }));
    });
  };

  /** SCT-06: chunks until the last one. */
  const list = (value: {
    readonly originalMessageId: string;
    readonly entries: readonly unknown[];
    readonly done: boolean;
  }): void => {
    const found = waiting.get(value.originalMessageId);
    if (found === undefined) return;
    for (const entry of value.entries) found.entries.push(entry);
    if (value.done) settle(value.originalMessageId)?.resolve(found.entries as never);
  };

  return {
    nodeId,
    send: (payload) => push(ControlMessage.encode({ messageId: randomUUID(), payload })),
    command: (value) => ask({ kind: "configCommand", value: ConfigurationCommand.create(value) }),
    routes: () => ask({ kind: "routeListRequest", value: {} }),
    connections: () => ask({ kind: "connectionListRequest", value: {} }),
    receive({ payload }) {
      switch (payload.kind) {
        case "configCommandAck":
          settle(payload.value.originalMessageId)?.resolve(payload.value as never);
          return true;
        case "routeListResponse":
        case "connectionListResponse":
          list(payload.value);
          return true;
        case "ack":
          // a node that cannot do what was asked says so in a plain ack
          if (!payload.value.success) {
            settle(payload.value.originalMessageId)?.reject(
              new ControllerError("controller/no-answer", {
                message: `node ${nodeId} refuses`,
                details: { nodeId },
              }),
            );
          }
          return true;
        default:
          return false;
      }
    },
    close() {
      if (closed) return;
      closed = true;
      for (const id of waiting.keys()) settle(id)?.reject(away());
      end();
    },
  };
}
