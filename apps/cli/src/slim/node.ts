import { randomUUID } from "node:crypto";
import { ControlMessage, southboundPaths } from "@coterie/wire/slim/controller";
import type { ConnectionEntry, RouteEntry } from "@coterie/wire/slim/controller";
import { CliError } from "../errors.ts";
import type { Calls } from "./calls.ts";
import { connectionsJson, connectionsTable, routesJson, routesTable } from "./entries.ts";
import type { Operator } from "./operator.ts";

/** SND-08: what one node answers by itself (SCT-06). */
export function addNodeVerbs({ program, calling }: Operator): void {
  const node = program
    .command("node")
    .aliases(["n", "instance", "i"])
    .description("ask a node directly");
  node
    .command("route")
    .description("routes of the node")
    .command("list")
    .alias("ls")
    .description("list routes")
    .action(
      calling("node", async ({ output, calls }) => {
        const routes = routesJson(await ask(calls, "route"));
        output.result(routes, routesTable(routes));
      }),
    );
  node
    .command("connection")
    .alias("conn")
    .description("connections of the node")
    .command("list")
    .alias("ls")
    .description("list connections")
    .action(
      calling("node", async ({ output, calls }) => {
        const connections = connectionsJson(await ask(calls, "connection"));
        output.result(connections, connectionsTable(connections));
      }),
    );
}

interface Entries {
  readonly route: RouteEntry;
  readonly connection: ConnectionEntry;
}

/** Chunks until the last one says so (SCT-06). */
async function ask<K extends keyof Entries>(calls: Calls, kind: K): Promise<Entries[K][]> {
  const { transport, timeoutMs } = calls;
  const signal = AbortSignal.timeout(timeoutMs);
  const stream = transport.duplex(southboundPaths.openControlChannel, { signal });
  const messageId = randomUUID();
  const payload = { kind: `${kind}ListRequest`, value: {} } as ControlMessage["payload"];
  try {
    await stream.send(ControlMessage.encode({ messageId, payload }));
    const found: Entries[K][] = [];
    for await (const bytes of stream) {
      const { payload: answer } = ControlMessage.decode(bytes);
      if (answer.kind !== `${kind}ListResponse` || !("value" in answer)) continue;
      const { entries, done } = answer.value as { entries: readonly Entries[K][]; done: boolean };
      found.push(...entries);
      if (done) return found;
    }
    // A server that closes has said all it had.
    return found;
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new CliError("cli/no-answer", `timeout waiting for ${kind} list response`, {
      cause: error,
    });
  } finally {
    stream.cancel();
  }
}
