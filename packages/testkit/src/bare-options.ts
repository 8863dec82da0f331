import type { ClientOptions } from "@coterie/client";
import { createMemoryStore } from "@coterie/storage";
import { createMemoryTransport } from "@coterie/transport";
import type { World } from "./world.ts";

/** For a client that a test opens by itself in a world: a store and a way to the node of its own, and no workers. */
export function bareOptions(world: World): ClientOptions {
  return {
    crypto: world.crypto,
    clock: world.clock,
    timers: world.clock,
    workers: false,
    store: createMemoryStore(),
    transport: createMemoryTransport(world.node.routes),
  };
}
