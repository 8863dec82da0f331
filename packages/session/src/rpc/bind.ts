import { CoterieError } from "@coterie/base";
import type { App } from "../api/app.ts";
import { SessionType } from "../api/enums.ts";
import { Name, slimNameOf } from "../api/name.ts";
import type { NameLike } from "../api/name.ts";
import type { Session } from "../api/session.ts";
import type { RpcIncoming, RpcSession } from "./port.ts";

/** SRP-01: as released channels make their sessions. */
const settings = { maxRetries: 10, interval: 1000, enableMls: true } as const;

/** A session between this app and one other. */
export async function openPair(
  app: App,
  remote: NameLike,
  connectionId: bigint | undefined,
): Promise<RpcSession> {
  if (connectionId !== undefined) await app.setRoute(remote, connectionId);
  const config = { ...settings, sessionType: SessionType.PointToPoint };
  return rpcSession(await app.createSessionAndWait(config, remote));
}

/** A group of this app and all of these, on a channel of a name that nobody has. */
export async function openGroup(
  app: App,
  members: readonly NameLike[],
  connectionId: bigint | undefined,
): Promise<RpcSession> {
  const [organization = "", namespace = ""] = app.name().components();
  const channel = new Name(organization, namespace, globalThis.crypto.randomUUID());
  if (connectionId !== undefined) {
    for (const name of [channel, ...members]) await app.setRoute(name, connectionId);
  }
  const config = { ...settings, sessionType: SessionType.Group };
  const session = await app.createSessionAndWait(config, channel);
  try {
    for (const member of members) await session.inviteAndWait(member);
  } catch (error) {
    session.close().catch(() => undefined);
    throw error;
  }
  return rpcSession(session);
}

export function rpcSession(session: Session): RpcSession {
  const waiting: RpcIncoming[] = [];
  let over = false;
  let wake: (() => void) | undefined;
  const put = (item: RpcIncoming): void => {
    waiting.push(item);
    wake?.();
  };
  const stops = [
    session.on("lost", ({ source }) => put({ kind: "lost", source: source.slim })),
    session.on("participant", ({ kind, name }) => {
      if (kind === "left" || kind === "offline") put({ kind: "gone", source: name.slim });
    }),
  ];
  const read = async (): Promise<void> => {
    while (!over) {
      try {
        const { context, payload } = await session.getMessage();
        const { sourceName, metadata } = context;
        put({ kind: "message", source: slimNameOf(sourceName), payload, metadata });
      } catch (error) {
        // what is lost and who is gone was told above
        const code = error instanceof CoterieError ? error.code : "";
        over = code !== "session/message-lost" && code !== "session/participant-disconnected";
      }
    }
    for (const stop of stops) stop();
    wake?.();
  };
  void read();
  return {
    id: session.sessionId(),
    metadata: session.metadata(),
    async publish(payload, metadata) {
      const handle = await session.publish(payload, undefined, metadata);
      const delivered = handle.wait().then(({ missing }) => missing.map(({ slim }) => slim));
      return { delivered };
    },
    async next() {
      for (;;) {
        const first = waiting.shift();
        if (first !== undefined || over) return first;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    async close() {
      if (session.closed() === undefined) await session.closeAndWait();
    },
  };
}
