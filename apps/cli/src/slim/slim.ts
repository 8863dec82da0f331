import { addAppVerb } from "./app.ts";
import { addStartVerb } from "./start.ts";
import type { Operator } from "./operator.ts";

/** SND-08: a node and an app of one's own. */
export function addSlimVerb(operator: Operator): void {
  const slim = operator.program
    .command("slim")
    .alias("s")
    .description("run a node, or be an app at the terminal");
  addStartVerb(slim, operator);
  addAppVerb(slim, operator);
}
