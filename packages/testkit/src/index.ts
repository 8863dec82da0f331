export { createWorld } from "./world.ts";
export type { Actor, World, WorldOptions } from "./world.ts";
export { createVirtualClock, settle } from "./clock.ts";
export type { VirtualClock } from "./clock.ts";
export { seededRandom } from "./random.ts";
export type { SeededRandom } from "./random.ts";
export { testWallet } from "./wallet.ts";
