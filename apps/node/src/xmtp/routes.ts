import { Status, StatusError } from "@coterie/transport";
import type { Routes, ServerStreamHandler, UnaryHandler } from "@coterie/transport";

/** One method of the server. */
export type Route = Routes extends ReadonlyMap<string, infer Value> ? Value : never;
export type NamedRoute = readonly [path: string, route: Route];

export function unary(path: string, handle: UnaryHandler): NamedRoute {
  return [path, { kind: "unary", handle }];
}

/** XND-04: released clients wait for these headers before they publish. */
const subscribed = { subscribed: "true" };

export function subscription(path: string, handle: ServerStreamHandler): NamedRoute {
  return [path, { kind: "server-stream", headers: subscribed, handle }];
}

/** A method that clients of long ago may still call. */
export function retired(path: string): NamedRoute {
  return unary(path, () => {
    throw new StatusError(Status.unimplemented, "this method is retired");
  });
}
