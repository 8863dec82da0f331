// The data plane of SLIM: what a node runs, over whatever transport.
export { createDataPlane } from "./data-plane.ts";
export type { DataPlane, DataPlaneLimits, DataPlaneParts } from "./data-plane.ts";
export type { Metrics } from "./metrics.ts";
export type { OutboxLimits } from "./outbox.ts";
