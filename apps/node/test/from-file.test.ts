import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { loadOpensslProvider } from "@coterie/crypto/openssl";
import { connectApp, dialLink } from "@coterie/dataplane";
import type { AppConnection } from "@coterie/dataplane";
import { startFromFile } from "@coterie/node";
import type { RunningFile } from "@coterie/node";
import { loadYaml, readNodeFile } from "@coterie/node/yaml";
import { basicAuthorization } from "@coterie/transport";
import { createH2Transport } from "@coterie/transport/h2";
import { createWebSocketTransport } from "@coterie/transport/websocket";
import { nodeWebSocket } from "@coterie/transport/websocket-node";
import {
  encodeSlimName,
  LinkConnectionType,
  LinkNegotiationPayload,
  Message,
  parseSlimName,
  slimPaths,
} from "@coterie/wire/slim";
import type { Publish, SlimName } from "@coterie/wire/slim";

const root = mkdtempSync(join(tmpdir(), "coterie-file-"));
const running: RunningFile[] = [];
afterAll(async () => {
  for (const node of running) await node.close({ graceMs: 0 });
  rmSync(root, { recursive: true });
});

async function start(text: string): Promise<RunningFile> {
  const node = await startFromFile(readNodeFile(loadYaml(text)));
  running.push(node);
  return node;
}

/** Whether a link can be negotiated over this transport (SCN-20). */
async function links(
  transport: ReturnType<typeof createH2Transport>,
  metadata: Record<string, string> = {},
): Promise<boolean> {
  try {
    const link = await dialLink({
      crypto: await loadOpensslProvider(),
      duplex: transport.duplex(slimPaths.openChannel, { metadata }),
      nodeId: "n",
      version: "2.2.0+ts.1",
      connectionType: "edge",
      onMessage: () => {},
    });
    link.cancel();
    return true;
  } catch {
    return false;
  } finally {
    await transport.close();
  }
}

test("SND-01: one process listens on h2c, a WebSocket and a socket in the file system", async () => {
  const socket = join(root, "slim.sock");
  const { slimServers, control, xmtp } = await start(
    `listen: ["127.0.0.1:0", "ws://127.0.0.1:0/slim", "unix://${socket}"]\ncontrol: "127.0.0.1:0"\n`,
  );
  const [h2, ws = "", unix] = slimServers;
  expect([h2, ws, unix].map((url) => url?.replace(/:\d+/, ":N"))).toEqual([
    "http://127.0.0.1:N",
    "ws://127.0.0.1:N/slim",
    `unix://${socket}`,
  ]);
  expect(control).toMatch(/^http:/);
  expect(xmtp).toBeUndefined();
  expect(await links(createH2Transport({ url: h2 as string }))).toBe(true);
  expect(await links(createH2Transport({ url: unix as string }))).toBe(true);
  expect(await links(createWebSocketTransport({ url: ws, open: nodeWebSocket() }) as never)).toBe(
    true,
  );
});

test("SND-02: a link without a key for header MACs is refused, whatever the file says", async () => {
  const { slim = "" } = await start(
    'listen: {endpoint: "127.0.0.1:0", tls: {insecure: true}, require_header_mac: false}',
  );
  const transport = createH2Transport({ url: slim });
  const duplex = transport.duplex(slimPaths.openChannel);
  const negotiation = LinkNegotiationPayload.create({
    linkId: "11111111-2222-4333-8444-555555555555",
    slimVersion: "2.2.0",
    connectionType: LinkConnectionType.edge,
    nodeId: "n1",
  });
  const link = { kind: "linkNegotiation", value: negotiation } as const;
  await duplex.send(Message.encode(Message.create({ messageType: { kind: "link", value: link } })));
  const answers = (async () => {
    for await (const answer of duplex) return answer;
    return undefined;
  })();
  expect(await answers.catch(() => undefined)).toBeUndefined();
  await transport.close();
});

test("SND-01: a server that asks who calls lets in who may", async () => {
  const { slim = "" } = await start(
    `services: {slim/0: {dataplane: {servers: [{endpoint: "127.0.0.1:0", tls: {insecure: true}, auth: {type: basic, username: ada, password: lovelace}}]}}}`,
  );
  const shown = basicAuthorization({ username: "ada", password: "lovelace" });
  expect(await links(createH2Transport({ url: slim }), { authorization: shown })).toBe(true);
  const wrong = basicAuthorization({ username: "ada", password: "byron" });
  expect(await links(createH2Transport({ url: slim }), { authorization: wrong })).toBe(false);
  expect(await links(createH2Transport({ url: slim }))).toBe(false);
});

test("SND-01: with a folder for data the XMTP half runs, too", async () => {
  const node = await start(
    `data: ${join(root, "data")}\nxmtp: "127.0.0.1:0"\nlisten: "127.0.0.1:0"\n`,
  );
  expect([node.xmtp, node.slim].every((url) => url?.startsWith("http://127.0.0.1:"))).toBe(true);
});

test("SND-01: what cannot be started is said, and nothing stays open", async () => {
  await expect(start("log_level: info")).rejects.toMatchObject({ code: "node/bad-config" });
  const { slim = "" } = await start('listen: "127.0.0.1:0"');
  const { port } = new URL(slim);
  await expect(start(`listen: ["127.0.0.1:0", "127.0.0.1:${port}"]`)).rejects.toMatchObject({
    code: "node/cannot-listen",
  });
  await expect(start('data: /x\nxmtp: "nowhere"')).rejects.toMatchObject({
    code: "node/bad-config",
    details: { path: "xmtp" },
  });
});

test("SRT-15, SCN-01, SCN-06, SCN-07: replicas reach each other over HTTP/2, a WebSocket and a socket in the file system", async () => {
  const socket = join(root, "peers.sock");
  const one = await start(
    `node_id: z\nlisten: ["127.0.0.1:0", "ws://127.0.0.1:0/slim", "unix://${socket}"]\n`,
  );
  const got: string[] = [];
  const [first = ""] = one.slimServers;
  const app = await connect(first, (text) => got.push(text));
  const alice = parseSlimName("agntcy/ns/alice/11111111-0000-4000-8000-000000000000");
  await app.subscribe(alice, alice);
  for (const [n, endpoint] of one.slimServers.entries()) {
    const other = await start(
      `node_id: n${n}\nlisten: "127.0.0.1:0"\npeers: [{node_id: z, endpoint: "${endpoint}"}]\n`,
    );
    const sender = await connect(other.slim ?? "");
    await vi.waitFor(
      async () => {
        await sender.publish(publish(alice, `over ${n}`));
        expect(got).toContain(`over ${n}`);
      },
      { timeout: 10_000, interval: 100 },
    );
    await sender.close();
  }
  await app.close();
}, 60_000);

async function connect(
  url: string,
  hear: (text: string) => void = () => {},
): Promise<AppConnection> {
  const transport = createH2Transport({ url, backoff: { baseMs: 0, capMs: 0 } });
  const connection = connectApp({
    crypto: await loadOpensslProvider(),
    transport,
    timers: { farewellMs: 10 },
    onPublish({ msg }) {
      if (msg?.kind === "appPayload") hear(msg.value.payloadType);
    },
  });
  await connection.connected;
  return connection;
}

const publish = (to: SlimName, text: string): Publish => ({
  header: {
    source: encodeSlimName(parseSlimName("agntcy/ns/sender")),
    destination: encodeSlimName(to),
    identity: "",
    fanout: 1,
    version: "2.2.0",
    ttl: 8,
  },
  session: { sessionType: 1, sessionMessageType: 1, sessionId: 7, messageId: 9 },
  msg: { kind: "appPayload", value: { payloadType: text, blob: new Uint8Array(0) } },
});
