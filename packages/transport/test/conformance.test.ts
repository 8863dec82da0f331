import { describe, test } from "vitest";
import { createMemoryTransport } from "@coterie/transport";
import { transportConformance, type Open } from "@coterie/transport/conformance";
import { createGrpcWebTransport } from "@coterie/transport/grpc-web";
import { createH2Server, createH2Transport } from "@coterie/transport/h2";

const openMemory: Open = async (routes) => {
  const transport = createMemoryTransport(routes);
  return { transport, close: () => transport.close() };
};

const openH2: Open = async (routes) => {
  let server = await createH2Server({ routes });
  const { port } = server.address;
  const transport = createH2Transport({ url: server.url, backoff: { baseMs: 5, capMs: 20 } });
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

const openWeb: Open = async (routes) => {
  // fetch in Node opens as many connections as there are calls; a browser opens six.
  const options = { routes, web: { origins: [] }, limits: { maxSessionsPerAddress: 4096 } };
  let server = await createH2Server(options);
  const { port } = server.address;
  const transport = createGrpcWebTransport({ url: server.url });
  return {
    transport,
    async close() {
      await transport.close();
      await server.close({ graceMs: 0 });
    },
    stopServer: () => server.close(),
    async startServer() {
      server = await createH2Server({ ...options, port });
    },
  };
};

describe("grpc-web", () => {
  for (const { name: title, run } of transportConformance(openWeb, { duplex: false })) {
    test(title, run, 30_000);
  }
});

/** HTTP/2 on a port that answers pages too: who speaks it must not notice. */
const openBeside: Open = async (routes) => {
  const options = { routes, web: { origins: [] } };
  let server = await createH2Server(options);
  const { port } = server.address;
  const transport = createH2Transport({ url: server.url, backoff: { baseMs: 5, capMs: 20 } });
  return {
    transport,
    async close() {
      await transport.close();
      await server.close({ graceMs: 0 });
    },
    stopServer: () => server.close(),
    async startServer() {
      server = await createH2Server({ ...options, port });
    },
  };
};

const openers = { memory: openMemory, h2: openH2, "h2 beside grpc-web": openBeside };
for (const [name, open] of Object.entries(openers)) {
  describe(name, () => {
    for (const { name: title, run } of transportConformance(open)) test(title, run, 30_000);
  });
}
