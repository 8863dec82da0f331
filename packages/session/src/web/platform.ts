import { silentLog, systemClock } from "@coterie/base";
import { nobleProvider } from "@coterie/crypto/noble";
import type { Platform } from "../api/platform.ts";
import { SessionError } from "../errors.ts";
import { systemScheduler } from "../runtime/scheduler.ts";

/** What runs everywhere. How to reach a node is the caller's to say: by WebSocket, by gRPC-web, or in memory. */
export const webPlatform: Platform = {
  crypto: nobleProvider,
  clock: systemClock,
  scheduler: systemScheduler,
  log: silentLog,
  dial() {
    throw new SessionError("session/unsupported", { what: "dial" });
  },
};
