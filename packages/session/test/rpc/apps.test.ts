// The same over a data plane: two services in this process, a socket between them.
import { fromUtf8, toUtf8 } from "@coterie/base";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Name, newInsecureClientConfig, newInsecureServerConfig, Service } from "../../src/node.ts";
import { Channel, RpcCode, Server } from "../../src/rpc/index.ts";
import { failure } from "./memory.ts";

const secret = "0123456789abcdef0123456789abcdef";
const node = new Service("node");
let url = "";

beforeAll(async () => {
  await node.runServer(newInsecureServerConfig("127.0.0.1:0"));
  url = node.serverUrl("127.0.0.1:0") as string;
});
afterAll(() => node.shutdown());

async function listOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

async function app(name: string) {
  const service = new Service(name);
  await service.connect(newInsecureClientConfig(url));
  return { service, app: service.createAppWithSecret(new Name("agntcy", "ns", name), secret) };
}

async function serving(name: string) {
  const made = await app(name);
  const server = new Server(made.app, made.app.name());
  server.registerUnaryUnary("svc", "upper", (request) => toUtf8(fromUtf8(request).toUpperCase()));
  server.registerUnaryStream("svc", "count", async function* (request) {
    for (let n = 0; n < Number(fromUtf8(request)); n += 1) yield toUtf8(String(n));
  });
  server.registerStreamUnary("svc", "join", async (requests) => {
    let all = "";
    for await (const request of requests) all += fromUtf8(request);
    return toUtf8(all);
  });
  server.registerStreamStream("svc", "echo", (requests) => requests);
  const done = server.serve();
  return { ...made, server, done };
}

test("SRP-01, SRP-06: all four kinds between two apps, over one session", async () => {
  const { service: there, server, done } = await serving("rpc-server");
  const { service: here, app: caller } = await app("rpc-client");
  const channel = new Channel(caller, new Name("agntcy", "ns", "rpc-server"));
  expect(fromUtf8(await channel.callUnary("svc", "upper", toUtf8("hi"), { seconds: 20 }))).toBe(
    "HI",
  );
  const counted = await listOf(channel.callUnaryStream("svc", "count", toUtf8("100")));
  expect(counted.map(fromUtf8)).toEqual(Array.from({ length: 100 }, (_, n) => String(n)));
  const words = ["a", "b", "c"].map(toUtf8);
  expect(fromUtf8(await channel.callStreamUnary("svc", "join", words))).toBe("abc");
  const echoed = await listOf(channel.callStreamStream("svc", "echo", words));
  expect(echoed.map(fromUtf8)).toEqual(["a", "b", "c"]);
  await expect(channel.callUnary("svc", "other", toUtf8("x"))).rejects.toEqual(
    failure("Unimplemented"),
  );
  await channel.close();
  // another session, without a word about it
  expect(fromUtf8(await channel.callUnary("svc", "upper", toUtf8("again")))).toBe("AGAIN");
  expect(server.methods()).toEqual(["svc/upper", "svc/count", "svc/join", "svc/echo"]);
  await expect(server.serve()).rejects.toEqual(failure("FailedPrecondition"));
  await server.shutdown();
  await done;
  await Promise.all([here.shutdown(), there.shutdown()]);
});

test("SRP-13: a group answers as many", async () => {
  const servers = await Promise.all(["rpc-one", "rpc-two"].map(serving));
  const { service: here, app: caller } = await app("rpc-asker");
  const members = ["rpc-one", "rpc-two"].map((name) => new Name("agntcy", "ns", name));
  const channel = Channel.newGroup(caller, members);
  const items = await listOf(channel.callMulticastUnaryStream("svc", "count", toUtf8("3")));
  const said = items.map((item) => {
    if (item.kind === "error") throw item.error;
    return `${item.source.components()[2]} ${fromUtf8(item.message)}`;
  });
  for (const name of ["rpc-one", "rpc-two"]) {
    expect(said.filter((line) => line.startsWith(name))).toEqual([
      `${name} 0`,
      `${name} 1`,
      `${name} 2`,
    ]);
  }
  const failed = await listOf(channel.callMulticastUnary("svc", "other", toUtf8("x")));
  expect(failed.map((item) => item.kind === "error" && item.error.status)).toEqual([
    RpcCode.Unimplemented,
    RpcCode.Unimplemented,
  ]);
  expect(() => Channel.newGroup(caller, [])).toThrow(failure("InvalidArgument"));
  await channel.close();
  for (const { server, service } of servers) {
    await server.shutdown();
    await service.shutdown();
  }
  await here.shutdown();
});
