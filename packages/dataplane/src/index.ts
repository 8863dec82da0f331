// The data plane of SLIM: how an app connects, and what a node runs, over whatever transport.
export { connectApp } from "./app-connection.ts";
export type {
  AppConnection,
  AppConnectionOptions,
  AppConnectionState,
  AppConnectionTimers,
} from "./app-connection.ts";
export { dialLink } from "./dial.ts";
export type { DialledLink, DialOptions } from "./dial.ts";
export { createDataPlane } from "./data-plane.ts";
export type { DataPlane, DataPlaneLimits, DataPlaneParts } from "./data-plane.ts";
export type { PlaneDial, PlaneEvent, PlaneLink } from "./control/port.ts";
export type { LocalOptions } from "./local.ts";
export type { LinkKind } from "./routes.ts";
export { DataPlaneError } from "./errors.ts";
export type { DataPlaneErrorCode } from "./errors.ts";
export type { Metrics } from "./metrics.ts";
export type { QueueLimits } from "./message-queue.ts";
export type { Negotiated, NetworkKind } from "./negotiation.ts";
