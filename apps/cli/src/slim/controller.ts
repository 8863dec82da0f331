import { addChannelVerbs } from "./channels.ts";
import type { Operator } from "./operator.ts";
import { addTopologyVerbs } from "./topology.ts";

/** SND-08: everything that is asked of a controller. */
export function addControllerVerbs(operator: Operator): void {
  const controller = operator.program
    .command("controller")
    .aliases(["c", "ctrl"])
    .description("channels, nodes, links and routes through a controller");
  addChannelVerbs(controller, operator);
  addTopologyVerbs(controller, operator);
}
