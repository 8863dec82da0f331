import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Name, newInsecureClientConfig, newInsecureServerConfig } from "@coterie/session";
import type { App } from "@coterie/session";
import { Service } from "@coterie/session/node";
import { basicAuthorization, Status, TransportError } from "@coterie/transport";
import { createH2Transport } from "@coterie/transport/h2";
import type { H2TransportOptions } from "@coterie/transport/h2";
import * as wire from "@coterie/wire/slim/channel-manager";
import { loadYaml } from "@coterie/node/yaml";
import { readManagerConfig, startChannelManager } from "@coterie/channel-manager";
import type { ManagerConfig, RunningChannelManager } from "@coterie/channel-manager";

const secret = "0123456789abcdef0123456789abcdef";
const root = mkdtempSync(join(tmpdir(), "coterie-cm-"));
const node = new Service("node");
const services: Service[] = [node];
let url: string;

beforeAll(async () => {
  await node.runServer(newInsecureServerConfig("127.0.0.1:0"));
  url = node.serverUrl("127.0.0.1:0") as string;
});
afterAll(async () => {
  for (const service of services.toReversed()) await service.shutdown();
  rmSync(root, { recursive: true });
});

const config = (more = "", api = "tls: { insecure: true }"): ManagerConfig =>
  readManagerConfig(
    loadYaml(`
channel-manager:
  slim-connection: { endpoint: "${url}" }
  api-server: { endpoint: "127.0.0.1:0", ${api} }
  local-name: agntcy/ns/channel-manager
  auth: { type: shared_secret, secret: ${secret} }
${more}`),
  );

/** An app on a connection of its own. */
async function joinAs(service: string): Promise<App> {
  const own = new Service(service);
  services.push(own);
  const connection = await own.connect(newInsecureClientConfig(url));
  const name = new Name("agntcy", "ns", service);
  const app = own.createAppWithSecret(name, secret);
  await app.subscribe(name, connection);
  return app;
}

async function command(
  { api }: RunningChannelManager,
  method: "createChannel" | "deleteChannel" | "addParticipant" | "deleteParticipant",
  channelName: string,
  participantName = "",
): Promise<string> {
  const transport = createH2Transport({ url: api });
  try {
    const request =
      method === "createChannel"
        ? wire.CreateChannelRequest.encode({ channelName, mlsEnabled: participantName !== "plain" })
        : wire.AddParticipantRequest.encode({ channelName, participantName });
    const answer = await transport.unary(wire.channelManagerPaths[method], request);
    const { success, errorMsg } = wire.CommandResponse.decode(answer);
    return success ? "done" : (errorMsg ?? "");
  } finally {
    await transport.close();
  }
}

const text = (words: string): Uint8Array => new TextEncoder().encode(words);
const read = (payload: Uint8Array): string => new TextDecoder().decode(payload);

for (const mls of ["mls", "plain"]) {
  test(`SCM-04: apps that a manager brought together talk, with its hands off (${mls})`, async () => {
    const manager = await startChannelManager(config());
    const chat = `agntcy/ns/chat-${mls}`;
    const [alice, bob] = await Promise.all([joinAs(`alice-${mls}`), joinAs(`bob-${mls}`)]);
    expect(await command(manager, "createChannel", chat, mls)).toBe("done");
    const joining = [alice, bob].map((app) => app.listenForSession(20_000));
    for (const app of [alice, bob]) {
      expect(await command(manager, "addParticipant", chat, app.name().toString())).toBe("done");
    }
    const [atAlice, atBob] = await Promise.all(joining);
    expect(atAlice?.destination().toString()).toBe(chat);
    // SCT-28: nobody waits for the manager to acknowledge data.
    const { acked, missing } = (await atAlice?.publishAndWait(text("hello"))) ?? {};
    expect([acked?.map(String), missing]).toEqual([[bob.name().toString()], []]);
    expect(read((await atBob?.getMessage(5_000))?.payload ?? text(""))).toBe("hello");
    expect(await command(manager, "deleteParticipant", chat, bob.name().toString())).toBe("done");
    await expect(atBob?.getMessage(5_000)).rejects.toMatchObject({ code: "session/closed" });
    expect(await command(manager, "deleteChannel", chat)).toBe("done");
    await expect(atAlice?.getMessage(5_000)).rejects.toMatchObject({ code: "session/closed" });
    await manager.close();
  });
}

test("SCM-06: channels of the file come about by themselves, apps that start later are invited, too", async () => {
  const early = await joinAs("early");
  const manager = await startChannelManager(
    config("  channels: [{ name: agntcy/ns/fixed, participants: [agntcy/ns/early] }]\n"),
  );
  const session = await early.listenForSession(20_000);
  expect(session.destination().toString()).toBe("agntcy/ns/fixed");
  expect(await command(manager, "deleteChannel", "agntcy/ns/fixed")).toMatch(/config mode/);
  await manager.close();
  await expect(session.getMessage(5_000)).rejects.toMatchObject({ code: "session/closed" });
});

test("SCM-07: channels that are kept over a restart go on where they were", async () => {
  const kept = config(
    `  persistence: { path: ${join(root, "cm")}, encryption-passphrase: open sesame, delete-sessions-on-shutdown: false }\n`,
  );
  const first = await startChannelManager(kept);
  const carol = await joinAs("carol");
  const dan = await joinAs("dan");
  const joined = carol.listenForSession(20_000);
  expect(await command(first, "createChannel", "agntcy/ns/lasting")).toBe("done");
  expect(await command(first, "addParticipant", "agntcy/ns/lasting", "agntcy/ns/carol")).toBe(
    "done",
  );
  const atCarol = await joined;
  await first.close();

  const second = await startChannelManager(kept);
  expect(second.name).toBe(first.name);
  expect(await command(second, "createChannel", "agntcy/ns/lasting")).toMatch(/already exists/);
  const joining = dan.listenForSession(20_000);
  expect(await command(second, "addParticipant", "agntcy/ns/lasting", "agntcy/ns/dan")).toBe(
    "done",
  );
  await atCarol.publishAndWait(text("still here"));
  expect(read((await (await joining).getMessage(5_000)).payload)).toBe("still here");
  // Or its members would wait for a moderator that rests.
  expect(await command(second, "deleteChannel", "agntcy/ns/lasting")).toBe("done");
  await second.close();
});

async function statusOf(options: H2TransportOptions): Promise<number | undefined> {
  const transport = createH2Transport(options);
  try {
    await transport.unary(wire.channelManagerPaths.listChannels, new Uint8Array(0));
    return Status.ok;
  } catch (error) {
    return error instanceof TransportError ? error.status : undefined;
  } finally {
    await transport.close();
  }
}

test("SCM-07: a manager that asks who calls lets in who may", async () => {
  const auth = "auth: { type: basic, username: ada, password: lovelace }";
  const { api, close } = await startChannelManager(config("", `tls: { insecure: true }, ${auth}`));
  const as = (password: string) => basicAuthorization({ username: "ada", password });
  expect(await statusOf({ url: api })).toBe(Status.unauthenticated);
  const wrong = { authorization: as("byron") };
  expect(await statusOf({ url: api, metadata: wrong })).toBe(Status.unauthenticated);
  const right = { authorization: as("lovelace") };
  expect(await statusOf({ url: api, metadata: right })).toBe(Status.ok);
  await close();
});
