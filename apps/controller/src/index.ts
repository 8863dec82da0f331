export { createController, defaultTimes } from "./controller.ts";
export type { Controller, ControllerParts, ControllerTimes } from "./controller.ts";
export { startController } from "./server.ts";
export type { Address, ControllerOptions, RunningController } from "./server.ts";
export { ControllerError } from "./errors.ts";
export type { ControllerErrorCode } from "./errors.ts";
export type { NetworkTimes } from "./network.ts";
export type { Admission } from "./southbound.ts";
