// Sessions of SLIM: groups and pairs of apps that talk through a data plane.
export { SessionError } from "./errors.ts";
export type { SessionErrorCode } from "./errors.ts";
export { createAppCore } from "./core/app-core.ts";
export type {
  AppCore,
  AppCoreParts,
  AppEffect,
  AppInput,
  ConnectionId,
  Delivery,
  Direction,
  Handle,
  Invitation,
  MemberView,
  Outcome,
  Payload,
  SessionSettings,
  SessionView,
  Timers,
} from "./core/port.ts";
