import { fromUtf8, toUtf8 } from "@coterie/base";
import { opensslProvider } from "@coterie/crypto/openssl";
import { createMemoryTransport } from "@coterie/transport";
import type { MemoryTransport, Transport } from "@coterie/transport";
import { encodeSlimName, parseSlimName } from "@coterie/wire/slim";
import type { Publish, SlimName } from "@coterie/wire/slim";
import { connectApp } from "../src/app-connection.ts";
import type { AppConnectionOptions, AppConnectionState } from "../src/app-connection.ts";
import type { PlaneEvent } from "../src/control/port.ts";
import { createDataPlane } from "../src/data-plane.ts";
import type { DataPlane, DataPlaneParts } from "../src/data-plane.ts";
import { createMetrics } from "./metrics.ts";

export const name = (service: string, digit: string): SlimName =>
  parseSlimName(`agntcy/ns/${service}/${digit.repeat(8)}-0000-4000-8000-000000000000`);
export const alice: SlimName = name("alice", "a");
export const bob: SlimName = name("bob", "b");
export const carol: SlimName = name("carol", "c");

export const publish = (
  source: SlimName,
  destination: SlimName,
  text: string,
  fanout = 1,
): Publish => ({
  header: {
    source: encodeSlimName(source),
    destination: encodeSlimName(destination),
    identity: "token",
    fanout,
    version: "2.2.0",
    ttl: 8,
  },
  session: { sessionType: 1, sessionMessageType: 1, sessionId: 7, messageId: 9 },
  msg: { kind: "appPayload", value: { payloadType: "msg", blob: toUtf8(text) } },
});

export const textOf = ({ msg }: Publish): string =>
  msg?.kind === "appPayload" ? fromUtf8(msg.value.blob) : "";

export function app(transport: Transport, more: Partial<AppConnectionOptions> = {}) {
  const got: string[] = [];
  const states: AppConnectionState["kind"][] = [];
  const connection = connectApp({
    crypto: opensslProvider,
    transport,
    timers: { reconnectMs: 10, farewellMs: 10 },
    onPublish: (one) => void got.push(textOf(one)),
    onState: ({ kind }) => states.push(kind),
    ...more,
  });
  return { connection, got, states };
}

export interface TestNode {
  readonly plane: DataPlane;
  readonly transport: MemoryTransport;
  readonly events: PlaneEvent[];
  readonly metrics: ReturnType<typeof createMetrics>;
  readonly names: () => string[];
}

/** Nodes that reach each other by their ids. */
export function nodes() {
  const all = new Map<string, TestNode>();
  /** What each dialled, in order; disconnect it to lose the link. */
  const dialled: MemoryTransport[] = [];
  const node = (nodeId: string, more: Partial<DataPlaneParts> = {}): TestNode => {
    const metrics = createMetrics();
    const plane = createDataPlane({
      crypto: opensslProvider,
      nodeId,
      version: "2.2.0+ts.1",
      metrics,
      dial({ endpoint }) {
        const transport = createMemoryTransport(all.get(endpoint)?.plane.routes ?? new Map());
        dialled.push(transport);
        return transport;
      },
      ...more,
      limits: { reconnectMs: 10, peerAnswerMs: 50, ...more.limits },
    });
    const events: PlaneEvent[] = [];
    plane.watch((event) => events.push(event));
    const made = {
      plane,
      transport: createMemoryTransport(plane.routes),
      events,
      metrics,
      names: () => [...plane.names()].map((one) => one.name.service).toSorted(),
    };
    all.set(nodeId, made);
    return made;
  };
  return { node, dialled };
}
