// Configuration files: what the command line reads with as well.
export { loadYaml } from "./load.ts";
export { durationOf } from "./section.ts";
export type { Section } from "./section.ts";
