import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createH2Server, createH2Transport } from "@coterie/transport/h2";
import { ControlMessage, southboundPaths } from "@coterie/wire/slim/controller";
import type { RegisterNodeRequest } from "@coterie/wire/slim/controller";
import { expect, onTestFinished, test } from "vitest";
import { parseCommand } from "../src/config.ts";
import { startNode } from "../src/server.ts";

const free = { host: "127.0.0.1", port: 0 };

test("SCT-01, SCT-06: a node registers where it is told to, and answers about itself on a port of its own", async () => {
  const data = mkdtempSync(join(tmpdir(), "coterie-node-control-"));
  onTestFinished(() => rmSync(data, { recursive: true }));
  let registered: (request: RegisterNodeRequest) => void = () => {};
  const registration = new Promise<RegisterNodeRequest>((resolve) => (registered = resolve));
  const controller = await createH2Server({
    ...free,
    routes: new Map([
      [
        southboundPaths.openControlChannel,
        {
          kind: "duplex",
          async *handle(requests) {
            for await (const bytes of requests) {
              const { payload } = ControlMessage.decode(bytes);
              if (payload.kind === "registerNodeRequest") registered(payload.value);
              if (payload.kind === "deregisterNodeRequest") return;
            }
            yield* [];
          },
        },
      ],
    ]),
  });
  const args = `--data ${data} --xmtp 0 --slim 0 --control 0 --controller ${controller.url} --node-id n1 --domain d1`;
  const more = "--external slim.example:443 --log-level silent";
  const command = parseCommand(`${args} ${more}`.split(" "));
  if (command.kind !== "run") throw new Error(command.kind);
  const node = await startNode(command.config);
  const request = await registration;
  expect(request).toMatchObject({
    nodeId: "n1",
    domainName: "d1",
    connectionDetails: [
      { endpoint: new URL(node.slim ?? "").host, externalEndpoint: "slim.example:443" },
    ],
  });
  const transport = createH2Transport({ url: node.control ?? "" });
  const channel = transport.duplex(southboundPaths.openControlChannel);
  const ask = { kind: "connectionListRequest", value: {} } as const;
  await channel.send(ControlMessage.encode({ messageId: "q", payload: ask }));
  const { value } = await channel[Symbol.asyncIterator]().next();
  expect(ControlMessage.decode(value as Uint8Array).payload).toMatchObject({
    kind: "connectionListResponse",
    value: { originalMessageId: "q", done: true },
  });
  await transport.close();
  await node.close({ graceMs: 0 });
  await controller.close({ graceMs: 0 });
});

test("what a controller needs is asked for: a data plane, a URL, a secret that can be read", () => {
  const parse = (...more: string[]) => parseCommand(["--data", "d", ...more]);
  const wrong = [
    ["--controller", "http://127.0.0.1:1"],
    ["--slim", "0", "--controller", "127.0.0.1:1"],
    ["--slim", "0", "--control", "0", "--domain-secret-file", "/nowhere/at/all"],
  ];
  for (const more of wrong) {
    expect(() => parse(...more)).toThrow(expect.objectContaining({ code: "node/bad-arguments" }));
  }
});
