// A node and its controller: the node's side.
export { startControlClient } from "./client.ts";
export type { ControlClient, ControlClientParts } from "./client.ts";
export { controlService } from "./service.ts";
export type { ControlServiceParts } from "./service.ts";
export type { ControlledPlane, PlaneDial, PlaneEvent, PlaneLink } from "./port.ts";
