import { describe, test } from "vitest";
import { createMemoryTransport } from "@coterie/transport";
import { transportConformance, type Open } from "@coterie/transport/conformance";
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

for (const [name, open] of Object.entries({ memory: openMemory, h2: openH2 })) {
  describe(name, () => {
    for (const { name: title, run } of transportConformance(open)) test(title, run, 30_000);
  });
}
