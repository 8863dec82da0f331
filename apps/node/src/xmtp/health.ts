import type { Routes } from "@coterie/transport";

/** `HealthCheckResponse { status: SERVING }` and `{ status: NOT_SERVING }`, encoded. */
const serving = Uint8Array.of(8, 1);
const notServing = Uint8Array.of(8, 2);

/** XND-44. The service asked for is not looked at: all of them live and die with the process. */
export function healthRoutes(isServing: () => boolean): Routes {
  return new Map([
    [
      "/grpc.health.v1.Health/Check",
      { kind: "unary", handle: () => (isServing() ? serving : notServing) },
    ],
  ]);
}
