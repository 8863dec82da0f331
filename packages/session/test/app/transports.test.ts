import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ClientAuthenticationConfig,
  Name,
  newInsecureClientConfig,
  newInsecureServerConfig,
  ServerAuthenticationConfig,
  Service,
  SessionType,
} from "@coterie/session/node";
import { Service as WebService } from "@coterie/session";
import { afterEach, expect, test } from "vitest";
import { secret, text, words } from "./node.ts";

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

function serviceOf(name: string): Service {
  const service = new Service(name);
  undo.push(() => service.shutdown());
  return service;
}

async function talk(url: string, config = newInsecureClientConfig(url)): Promise<string> {
  const [one, two] = [serviceOf("one"), serviceOf("two")];
  await Promise.all([one.connect(config), two.connect(config)]);
  const a = one.createAppWithSecret(new Name("agntcy", "ns", "one"), secret);
  const b = two.createAppWithSecret(new Name("agntcy", "ns", "two"), secret);
  const joining = b.listenForSession(5000);
  const pair = { sessionType: SessionType.PointToPoint, maxRetries: 5, interval: 1000 };
  const session = await a.createSessionAndWait(pair, b.name());
  await session.publishAndWait(text("hello"));
  return words(await (await joining).getMessage(5000));
}

test("a server of a service speaks HTTP/2, and stops when it is told to", async () => {
  const host = serviceOf("host");
  await host.runServer(newInsecureServerConfig("127.0.0.1:0"));
  const url = host.serverUrl("127.0.0.1:0") as string;
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(await talk(url)).toBe("hello");
  await Promise.all(undo.splice(1).map((step) => step()));
  await host.stopServer("127.0.0.1:0");
  expect(host.serverUrl("127.0.0.1:0")).toBeUndefined();
  await expect(host.stopServer("127.0.0.1:0")).rejects.toMatchObject({
    code: "session/bad-argument",
  });
});

test("SCN-06: and a socket in the file system", async () => {
  const folder = mkdtempSync(join(tmpdir(), "slim-"));
  undo.push(() => rmSync(folder, { recursive: true }));
  const endpoint = `unix://${join(folder, "node.sock")}`;
  await serviceOf("host").runServer(newInsecureServerConfig(endpoint));
  expect(await talk(endpoint)).toBe("hello");
});

test("SCN-07: and WebSockets, which the entry for browsers dials as well", async () => {
  const host = serviceOf("host");
  await host.runServer(newInsecureServerConfig("ws://127.0.0.1:0/slim"));
  const url = host.serverUrl("ws://127.0.0.1:0/slim") as string;
  expect(await talk(url)).toBe("hello");
  const web = new WebService("page");
  undo.push(() => web.shutdown());
  expect(await web.connect(newInsecureClientConfig(url))).toBe(1n);
  await expect(web.connect(newInsecureClientConfig("http://x"))).rejects.toMatchObject({
    code: "session/unsupported",
  });
});

test("SCN-08: who shows no password, or a wrong one, does not get in", async () => {
  const host = serviceOf("host");
  const auth = new ServerAuthenticationConfig.Basic({
    config: { username: "ada", password: "right" },
  });
  await host.runServer({ ...newInsecureServerConfig("127.0.0.1:0"), auth });
  const url = host.serverUrl("127.0.0.1:0") as string;
  const client = (password: string) => ({
    ...newInsecureClientConfig(url),
    connectTimeout: 300,
    auth: new ClientAuthenticationConfig.Basic({ config: { username: "ada", password } }),
  });
  expect(await talk(url, client("right"))).toBe("hello");
  await expect(serviceOf("late").connect(client("wrong"))).rejects.toMatchObject({
    code: "session/connection-failed",
    tag: "ServiceError",
  });
});

test.each(["nonsense", "127.0.0.1:http", "ftp://127.0.0.1:1", "unix://relative"])(
  "an endpoint that cannot be is refused: %s",
  async (endpoint) => {
    await expect(
      serviceOf("host").runServer(newInsecureServerConfig(endpoint)),
    ).rejects.toMatchObject({ code: "session/bad-argument" });
  },
);
