export { runDemo } from "./demo/story.ts";
export type { DemoOptions } from "./demo/story.ts";
