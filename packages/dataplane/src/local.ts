import { Message } from "@coterie/wire/slim";
import type { AppConnection, AppConnectionOptions, AppConnectionState } from "./app-connection.ts";
import type { Connection, Drop } from "./connection.ts";
import { DataPlaneError } from "./errors.ts";
import type { Router } from "./router.ts";
import { nameKeyOf } from "./routes.ts";

export type LocalOptions = Pick<AppConnectionOptions, "onPublish" | "onState">;

export interface LocalParts extends LocalOptions {
  readonly router: Router;
  readonly open: (dropped: (why: Drop) => void) => Connection;
  readonly close: (connection: Connection) => void;
  readonly nodeId: string;
  readonly version: string;
}

/** An app in the node's own process: no link, no MACs, no hop (SCN-30), and it hears of what went nowhere (SRT-05). */
export function connectLocal(parts: LocalParts): AppConnection {
  const { router, onPublish } = parts;
  let why: Drop | undefined;
  const connection = parts.open((reason) => (why = reason));
  const peer = { nodeId: parts.nodeId, deploymentName: "", version: parts.version };
  let state: AppConnectionState = { kind: "connected", peer };
  let nextId = 1n;

  const leave = (error: unknown): void => {
    if (state.kind === "closed") return;
    state = { kind: "closed", error };
    parts.close(connection);
    parts.onState?.(state);
  };
  const deliver = async (): Promise<void> => {
    for await (const bytes of connection.outbox) {
      const { messageType, metadata } = Message.decode(bytes);
      if (messageType.kind === "publish") await onPublish(messageType.value, metadata);
    }
  };
  deliver().then(
    () => leave(undefined),
    (error: unknown) => leave(error),
  );
  const stand = (): void => {
    if (state.kind === "closed") throw new DataPlaneError("dataplane/closed");
  };

  return {
    linkId: "",
    get state() {
      return state;
    },
    connected: Promise.resolve(),
    async subscribe(name) {
      stand();
      const key = nameKeyOf(name);
      connection.subscriptions.set(nextId, key);
      await router.add(connection, nextId++, key, name);
    },
    async unsubscribe(name) {
      stand();
      const key = nameKeyOf(name);
      const one = [...connection.subscriptions].findLast(
        ([, known]) => known.prefix === key.prefix && known.id === key.id,
      );
      if (one === undefined) throw new DataPlaneError("dataplane/bad-argument", { what: "name" });
      connection.subscriptions.delete(one[0]);
      router.remove(connection, one[0], key);
    },
    async publish(publish, metadata = new Map()) {
      stand();
      const bytes = Message.encode({ metadata, messageType: { kind: "publish", value: publish } });
      why = undefined;
      const room = router.receive(connection, bytes);
      const reason: Drop | undefined = why;
      if (reason !== undefined) {
        const { sessionId, messageId, sessionMessageType } = publish.session ?? {};
        const details = { reason, sessionId, messageId, sessionMessageType };
        throw new DataPlaneError(
          reason === "no-route" ? "dataplane/no-route" : "dataplane/bad-argument",
          details,
        );
      }
      await room;
    },
    async close() {
      leave(undefined);
    },
  };
}
