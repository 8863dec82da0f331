import { noMetadata } from "./command.ts";
import type { Session } from "./model.ts";
import type { Received } from "./received.ts";

/** Where a welcome to one of ours says which of the listed participants are ours, too, by their places in the list (SSN-21). */
const oursKey = "slim.ours";

export function oursOf({ roster }: Session): ReadonlyMap<string, string> {
  const places = [...roster.values()].flatMap(({ ours }, at) => (ours ? [at] : []));
  return places.length === 0 ? noMetadata : new Map([[oursKey, places.join(",")]]);
}

/** A hint: who says it may err, and then somebody gets a message that means nothing to it. */
export function placesOfOurs({ metadata }: Received): ReadonlySet<number> {
  const places = metadata.get(oursKey);
  return new Set(
    places === undefined || places.length > 65_536 ? [] : places.split(",").map(Number),
  );
}
