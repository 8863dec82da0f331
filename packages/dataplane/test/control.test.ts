import { createMemoryTransport } from "@coterie/transport";
import type { Routes } from "@coterie/transport";
import { encodeSlimName, parseSlimName } from "@coterie/wire/slim";
import {
  ConfigurationCommand,
  ConnectionType,
  ControlMessage,
  southboundPaths,
} from "@coterie/wire/slim/controller";
import type { Connection, Route } from "@coterie/wire/slim/controller";
import { expect, test } from "vitest";
import { startControlClient } from "../src/control/client.ts";
import type { ControlClientParts } from "../src/control/client.ts";
import { controlService } from "../src/control/service.ts";
import { fakePlane } from "./fake-plane.ts";

const bob = parseSlimName("agntcy/ns/bob/00000000-0000-0000-0000-000000000007");
const carol = parseSlimName("agntcy/ns/carol/00000000-0000-0000-0000-000000000008");
const route = (name: typeof bob, linkId?: string): Route => ({
  name: encodeSlimName(name),
  linkId,
});
const connection = (linkId: string, config: unknown = { endpoint: "http://b:1" }): Connection => ({
  linkId,
  configData: typeof config === "string" ? config : JSON.stringify(config),
});
type Payload = ControlMessage["payload"];
type Of<K extends Payload["kind"]> = Extract<Payload, { kind: K }>;

/** A controller that says what the test says. */
function fakeController() {
  const heard: ControlMessage[] = [];
  const waiting: (() => void)[] = [];
  let say: (payload: Payload) => void = () => {};
  let hangUp: () => void = () => {};
  const routes: Routes = new Map([
    [
      southboundPaths.openControlChannel,
      {
        kind: "duplex",
        async *handle(requests) {
          const out: Uint8Array[] = [];
          let wake: () => void = () => {};
          const end = { came: false };
          say = (payload) => {
            out.push(ControlMessage.encode({ messageId: `c${heard.length}`, payload }));
            wake();
          };
          hangUp = () => {
            end.came = true;
            wake();
          };
          const read = async (): Promise<void> => {
            for await (const bytes of requests) {
              heard.push(ControlMessage.decode(bytes));
              for (const resolve of waiting.splice(0)) resolve();
            }
            hangUp();
          };
          void read().catch(hangUp);
          while (!end.came || out.length > 0) {
            const next = out.shift();
            if (next !== undefined) yield next;
            else await new Promise<void>((resolve) => (wake = resolve));
          }
        },
      },
    ],
  ]);
  const next = async <K extends Payload["kind"]>(
    kind: K,
  ): Promise<{ id: string; value: Of<K> extends { value: infer V } ? V : never }> => {
    for (;;) {
      const at = heard.findIndex(({ payload }) => payload.kind === kind);
      if (at >= 0) {
        const [found] = heard.splice(at, 1) as [ControlMessage];
        return { id: found.messageId, value: (found.payload as unknown as { value: never }).value };
      }
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  return {
    routes,
    next,
    heard,
    say: (payload: Payload) => say(payload),
    hangUp: () => hangUp(),
    command: (value: Partial<ConfigurationCommand>) =>
      say({ kind: "configCommand", value: ConfigurationCommand.create(value) }),
    async register(more: { connections?: Connection[]; routes?: Route[] } = {}) {
      const request = await next("registerNodeRequest");
      say({
        kind: "registerNodeResponse",
        value: {
          originalMessageId: request.id,
          success: true,
          connections: [],
          routes: [],
          ...more,
        },
      });
      return request;
    },
  };
}

function world(more: Partial<ControlClientParts> = {}) {
  const fake = fakePlane();
  const controller = fakeController();
  const transport = createMemoryTransport(controller.routes);
  const start = () =>
    startControlClient({
      plane: fake.plane,
      open: () => transport.duplex(southboundPaths.openControlChannel),
      nodeId: "n1",
      domain: "d1",
      details: [{ endpoint: "127.0.0.1:46357", tlsRequired: false, authMethod: 0 }],
      credentials: () => "secret",
      retryMs: 1,
      ...more,
    });
  return { ...fake, controller, start };
}

test("SCT-01: the first message registers the node, and the answer's lists are what stands", async () => {
  const { controller, start, plane, routes, dials } = world();
  await plane.connect({ endpoint: "http://old", linkId: "old", kind: "remote", config: {} });
  const client = start();
  const { value } = await controller.register({
    connections: [connection("l1")],
    routes: [route(bob, "l1")],
  });
  expect(value).toMatchObject({ nodeId: "n1", domainName: "d1", credentials: "secret" });
  expect(value.connectionDetails).toHaveLength(1);
  expect(value.connections.map(({ linkId }) => linkId)).toEqual(["edge", "old"]);
  controller.say({ kind: "routeListRequest", value: {} });
  await controller.next("routeListResponse");
  expect(routes()).toEqual(["bob via l1"]);
  expect(plane.links().map(({ linkId }) => linkId)).toEqual(["edge", "l1"]);
  expect(dials.at(-1)).toMatchObject({ endpoint: "http://b:1", linkId: "l1", kind: "remote" });
  await client.close();
});

test("SCT-01: a refused registration is the end, an unanswered one is tried again", async () => {
  const { controller, start } = world({ registerMs: 5 });
  const client = start();
  const first = await controller.next("registerNodeRequest");
  const second = await controller.next("registerNodeRequest");
  expect(second.id).not.toBe(first.id);
  controller.say({
    kind: "registerNodeResponse",
    value: { originalMessageId: second.id, success: false, connections: [], routes: [] },
  });
  await expect.poll(() => client.state).toBe("refused");
  await client.close();
});

test("SCT-02: answers name the message they answer, and every message has an id of its own", async () => {
  const { controller, start } = world();
  const client = start();
  await controller.register();
  controller.command({});
  const ack = await controller.next("configCommandAck");
  expect(ack.value.originalMessageId).toBe("c0");
  expect(ack.id).toMatch(/^[0-9a-f-]{36}$/);
  await client.close();
});

test("SCT-03: the first subscription and the last one gone are told, and what happened meanwhile after a loss", async () => {
  const { controller, start, subscribe, unsubscribe, inbound } = world();
  subscribe(carol);
  const client = start();
  await controller.register();
  const told = await controller.next("configCommand");
  expect(told.value.routesToSet).toEqual([route(carol)]);
  subscribe(bob);
  inbound("in");
  const more = await controller.next("configCommand");
  expect(more.value.routesToSet).toEqual([route(bob)]);
  expect(more.value.connectionsReceived).toMatchObject([
    { linkId: "in", connectionType: ConnectionType.remote, direction: 1 },
  ]);
  controller.hangUp();
  await controller.next("registerNodeRequest");
  unsubscribe(carol);
  controller.hangUp();
  await controller.register();
  const again = await controller.next("configCommand");
  expect(again.value.routesToDelete).toEqual([route(carol)]);
  expect(again.value.routesToSet).toEqual([route(bob)]);
  await client.close();
  expect((await controller.next("deregisterNodeRequest")).value.node).toEqual({ id: "n1" });
});

test("SCT-04: each item of a command has its status, and a link that stands is not dialled twice", async () => {
  const { controller, start, dials, refuseDials, routes } = world();
  const client = start();
  await controller.register();
  controller.command({
    connectionsToCreate: [
      connection("l1"),
      connection("bad", "{"),
      connection("", { endpoint: "x" }),
    ],
    routesToSet: [route(bob, "l1"), route(bob, "none"), route(carol)],
  });
  const { value } = await controller.next("configCommandAck");
  expect(value.connectionsStatus.map(({ success }) => success)).toEqual([true, false, false]);
  expect(value.connectionsStatus[1]?.errorMsg).toMatch(/^Failed to parse config: /);
  expect(value.routesStatus.map(({ errorMsg }) => errorMsg)).toEqual([
    "",
    "Connection with link_id none not found",
    "Connection with link_id <none> not found",
  ]);
  refuseDials("no way");
  controller.command({
    connectionsToCreate: [connection("l1"), connection("l2")],
    connectionsToDelete: ["l9"],
    routesToDelete: [route(carol, "l1")],
  });
  const second = (await controller.next("configCommandAck")).value;
  expect(second.connectionsStatus).toEqual([
    { linkId: "l9", success: false, errorMsg: "Connection with link_id l9 not found" },
    { linkId: "l1", success: true, errorMsg: "" },
    { linkId: "l2", success: false, errorMsg: "Connection failed: no way" },
  ]);
  expect(second.routesStatus[0]?.success).toBe(true);
  expect(dials.map(({ linkId }) => linkId)).toEqual(["l1", "l2"]);
  expect(routes()).toEqual(["bob via l1"]);
  await client.close();
});

test("SCT-04: a command to reconcile takes away what it does not name, and nothing that apps hold", async () => {
  const { controller, start, routes, subscribe, plane } = world();
  subscribe(bob);
  const client = start();
  await controller.register({
    connections: [connection("l1"), connection("l2")],
    routes: [route(bob, "l1"), route(carol, "l1"), route(carol, "l2")],
  });
  controller.command({
    reconcile: true,
    connectionsToCreate: [connection("l1")],
    routesToSet: [route(carol, "l1")],
  });
  await controller.next("configCommandAck");
  expect(routes()).toEqual(["bob via edge", "carol via l1"]);
  expect(plane.links().map(({ linkId }) => linkId)).toEqual(["edge", "l1"]);
  await client.close();
});

test("SCT-06: the node's own service lists routes and connections in chunks, the last one done", async () => {
  const { plane, subscribe } = fakePlane();
  for (let n = 0; n < 150; n += 1) subscribe({ ...bob, service: `app-${n}` });
  const ask = async (request: Payload, count: number, commands?: boolean) => {
    const transport = createMemoryTransport(controlService({ plane, commands }));
    const channel = transport.duplex(southboundPaths.openControlChannel);
    await channel.send(ControlMessage.encode({ messageId: "q", payload: request }));
    const answers: Payload[] = [];
    for await (const bytes of channel) {
      answers.push(ControlMessage.decode(bytes).payload);
      if (answers.length === count) break;
    }
    return answers;
  };
  const lists = await ask({ kind: "routeListRequest", value: {} }, 2);
  expect(lists).toMatchObject([
    { kind: "routeListResponse", value: { originalMessageId: "q", done: false } },
    { kind: "routeListResponse", value: { originalMessageId: "q", done: true } },
  ]);
  const entries = lists.flatMap((list) =>
    list.kind === "routeListResponse" ? list.value.entries : [],
  );
  expect(entries).toHaveLength(150);
  expect(entries[0]?.connections).toMatchObject([{ connectionType: ConnectionType.edge }]);
  expect(await ask({ kind: "connectionListRequest", value: {} }, 1)).toMatchObject([
    { kind: "connectionListResponse", value: { done: true, entries: [{ linkId: "edge" }] } },
  ]);
  const command: Payload = {
    kind: "configCommand",
    value: ConfigurationCommand.create({ routesToSet: [route(bob, "edge")] }),
  };
  expect(await ask(command, 1)).toMatchObject([{ kind: "ack", value: { success: false } }]);
  expect(await ask(command, 1, true)).toMatchObject([
    { kind: "configCommandAck", value: { routesStatus: [{ success: true }] } },
  ]);
});
