import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toUtf8 } from "@coterie/base";
import { loadOpensslProvider } from "@coterie/crypto/openssl";
import { createDataPlane } from "@coterie/dataplane";
import { startControlClient } from "@coterie/dataplane/control";
import { Name, newInsecureClientConfig, Service } from "@coterie/session/node";
import { createH2Server, createH2Transport } from "@coterie/transport/h2";
import {
  Ack,
  AddParticipantRequest,
  DeleteChannelRequest,
  ListChannelsRequest,
  ListChannelsResponse,
  ListParticipantsRequest,
  ListParticipantsResponse,
  southboundPaths,
} from "@coterie/wire/slim/controller";
import {
  CreateChannelRequest,
  CreateChannelResponse,
  northboundPaths as paths,
} from "@coterie/wire/slim/controlplane";
import { expect, onTestFinished, test } from "vitest";
import { startController } from "../src/server.ts";

const secret = "0123456789abcdef0123456789abcdef";
const free = { host: "127.0.0.1", port: 0 };
const text = ({ payload }: { payload: Uint8Array }): string => new TextDecoder().decode(payload);

test("SCT-21, SCT-31: a controller that comes back has its hosted channels again, its app and its node", async () => {
  const data = mkdtempSync(join(tmpdir(), "coterie-controller-"));
  onTestFinished(() => rmSync(data, { recursive: true }));
  const crypto = await loadOpensslProvider();
  const plane = createDataPlane({
    crypto,
    nodeId: "n1",
    version: "2.2.0+ts.1",
    metrics: { add: () => {}, gauge: () => {} },
  });
  const server = await createH2Server({ ...free, routes: plane.routes });
  onTestFinished(async () => {
    await plane.close({ graceMs: 0 });
    await server.close({ graceMs: 0 });
  });
  const start = async () => {
    const controller = await startController({
      data,
      southbound: free,
      northbound: free,
      channelManager: free,
      admission: { open: true },
      app: {
        node: newInsecureClientConfig(server.url),
        credentials: { kind: "shared-secret", secret },
        persistence: { path: join(data, "sessions"), passphrase: "a passphrase of some length" },
      },
    });
    const south = createH2Transport({ url: controller.southbound });
    const client = startControlClient({
      plane,
      open: () => south.duplex(southboundPaths.openControlChannel),
      nodeId: "n1",
      details: [],
      retryMs: 50,
    });
    await controller.ready;
    const north = createH2Transport({ url: controller.northbound });
    const ask = async (path: string, bytes: Uint8Array): Promise<Uint8Array> =>
      north.unary(path, bytes);
    return {
      ask,
      async stop() {
        await north.close();
        await client.close();
        await south.close();
        await controller.close();
      },
    };
  };
  const app = async (name: string) => {
    const service = new Service(name);
    onTestFinished(() => service.shutdown());
    await service.connect(newInsecureClientConfig(server.url));
    const made = service.createAppWithSecret(Name.fromString(name), secret);
    await made.acceptController("none");
    return made;
  };
  const [alice, bob] = [await app("agntcy/ns/alice"), await app("agntcy/ns/bob")];

  const first = await start();
  const moderators = [alice.name().toDebugString()];
  let channelName = "";
  await expect
    .poll(async () => {
      const created = first.ask(paths.createChannel, CreateChannelRequest.encode({ moderators }));
      return created.then(
        (bytes) => (channelName = CreateChannelResponse.decode(bytes).channelName),
        () => "",
      );
    })
    .not.toBe("");
  const atAlice = await alice.listenForSession(20_000);
  await first.stop();

  const second = await start();
  const channels = ListChannelsResponse.decode(
    await second.ask(paths.listChannels, ListChannelsRequest.encode({})),
  );
  expect(channels.channelName).toEqual([channelName]);
  const participantName = "agntcy/ns/bob";
  const added = Ack.decode(
    await second.ask(
      paths.addParticipant,
      AddParticipantRequest.encode({ channelName, participantName, moderators: [] }),
    ),
  );
  expect(added).toMatchObject({ success: true, messages: [] });
  const atBob = await bob.listenForSession(20_000);
  await atAlice.publishAndWait(toUtf8("still here"));
  expect(text(await atBob.getMessage(20_000))).toBe("still here");
  const listed = ListParticipantsResponse.decode(
    await second.ask(paths.listParticipants, ListParticipantsRequest.encode({ channelName })),
  );
  expect(listed.participantName).toEqual([participantName]);
  const deleted = await second.ask(
    paths.deleteChannel,
    DeleteChannelRequest.encode({ channelName, moderators: [] }),
  );
  expect(Ack.decode(deleted).success).toBe(true);
  await second.stop();
});
