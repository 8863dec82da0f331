import { describe, test } from "vitest";
import { transportConformance, type Open } from "@coterie/transport/conformance";
import { createH2Server, createH2Transport } from "@coterie/transport/h2";
import { createGrpcJsTransport, serveWithGrpcJs } from "./grpc-peer.ts";

const ourClient: Open = async (routes) => {
  let server = await serveWithGrpcJs(routes);
  const port = Number(new URL(server.url).port);
  const transport = createH2Transport({ url: server.url, backoff: { baseMs: 5, capMs: 20 } });
  return {
    transport,
    async close() {
      await transport.close();
      server.kill();
    },
    stopServer: () => server.shutdown(),
    async startServer() {
      server = await serveWithGrpcJs(routes, port);
    },
  };
};

const ourServer: Open = async (routes) => {
  let server = await createH2Server({ routes });
  const { port } = server.address;
  const transport = createGrpcJsTransport(server.url);
  return {
    transport,
    async close() {
      await transport.close();
      await server.close({ graceMs: 0 });
    },
    stopServer: () => server.close(),
    async startServer() {
      server = await createH2Server({ routes, port });
    },
  };
};

// What grpc-js itself does not promise: its server does not end streams when it stops, its client does not know
// `sent` and reads on while its caller pauses.
describe("our client, grpc-js server", () => {
  for (const { name, run } of transportConformance(ourClient)) {
    test.skipIf(name.startsWith("XND-39"))(name, run, 30_000);
  }
});
describe("grpc-js client, our server", () => {
  for (const { name, run } of transportConformance(ourServer)) {
    test.skipIf(/^(?:XST-06|F42)/.test(name))(name, run, 30_000);
  }
});
