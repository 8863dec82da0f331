import { QueryGroupMessagesResponse, paths } from "@coterie/wire";
import type { Actor, World } from "@coterie/testkit";

/** Until all commit logs were published and read: each takes a turn of five minutes. */
export async function carryLogs(world: World): Promise<void> {
  await world.clock.advance(301_000);
  await world.clock.advance(301_000);
}

/** Shows one member the first two messages of a page in the other order, each under the other's number, while `work` runs. */
export async function swappedFor(actor: Actor, work: () => Promise<unknown>): Promise<void> {
  actor.tamper = (path, answer) => {
    if (path !== paths.mls.queryGroupMessages) return undefined;
    const response = QueryGroupMessagesResponse.decode(answer);
    const [a, b] = response.messages;
    if (a?.kind !== "v1" || b?.kind !== "v1") return undefined;
    return QueryGroupMessagesResponse.encode({
      ...response,
      messages: [
        { kind: "v1", value: { ...a.value, data: b.value.data } },
        { kind: "v1", value: { ...b.value, data: a.value.data } },
        ...response.messages.slice(2),
      ],
    });
  };
  await work();
  actor.tamper = undefined;
}
