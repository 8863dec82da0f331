import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "vitest";
import { createMemoryTransport, type Transport } from "@coterie/transport";
import { transportConformance, type Open } from "@coterie/transport/conformance";
import { createGrpcWebTransport } from "@coterie/transport/grpc-web";
import { createH2Server, createH2Transport } from "@coterie/transport/h2";
import { createWebSocketTransport } from "@coterie/transport/websocket";
import {
  createWebSocketServer,
  nodeWebSocket,
  type ListeningWebSocketServer,
} from "@coterie/transport/websocket-node";

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

/** Without windows of its own a stream fills what the system keeps for a socket, which comes on top of what we hold. */
const systemBytes = 24 * 1024 * 1024;

describe("grpc-web", () => {
  const calls = { duplex: false, underWayBytes: systemBytes };
  for (const { name: title, run } of transportConformance(openWeb, calls)) {
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

/** Over a socket in the file system (SCN-06). */
const openUnix: Open = async (routes) => {
  const folder = mkdtempSync(join(tmpdir(), "coterie-"));
  const options = { routes, path: join(folder, "s") };
  let server = await createH2Server(options);
  const transport = createH2Transport({ url: server.url, backoff: { baseMs: 5, capMs: 20 } });
  return {
    transport,
    async close() {
      await transport.close();
      await server.close({ graceMs: 0 });
      rmSync(folder, { recursive: true });
    },
    stopServer: () => server.close(),
    async startServer() {
      server = await createH2Server(options);
    },
  };
};

const sockets = {
  "WebSocket of the platform": undefined,
  "WebSocket of node": nodeWebSocket(),
};
for (const [title, socketOf] of Object.entries(sockets)) {
  /** A server each, as the address of a WebSocket says which method it is. */
  const openSocket: Open = async (routes) => {
    const methods = [...routes].map(([method, route]) => {
      if (route.kind !== "duplex") throw new Error(route.kind);
      const { handle } = route;
      let server: ListeningWebSocketServer;
      let port = 0;
      const start = async (): Promise<void> => {
        server = await createWebSocketServer({ handle, port });
        ({ port } = server.address);
      };
      const stop = (graceMs: number) => server.close({ graceMs });
      const transportOf = () => createWebSocketTransport({ url: server.url, open: socketOf });
      return { method, start, stop, transportOf };
    });
    const all = <T>(what: (one: (typeof methods)[number]) => T) => Promise.all(methods.map(what));
    await all(({ start }) => start());
    const transports = new Map(
      methods.map(({ method, transportOf }) => [method, transportOf()] as const),
    );
    const [any] = transports.values();
    if (any === undefined) throw new Error("no routes");
    const close = async () => {
      await Promise.all([...transports.values()].map((one) => one.close()));
    };
    const duplex: Transport["duplex"] = (method, options) =>
      (transports.get(method) ?? any).duplex(method, options);
    return {
      transport: { ...any, duplex, close },
      async close() {
        await close();
        await all(({ stop }) => stop(0));
      },
      stopServer: () => all(({ stop }) => stop(100)).then(() => {}),
      startServer: () => all(({ start }) => start()).then(() => {}),
    };
  };
  describe(`SCN-07: ${title}`, () => {
    const duplexOnly = { unary: false, halfClose: false, underWayBytes: systemBytes };
    for (const { name, run } of transportConformance(openSocket, duplexOnly)) {
      test(name, run, 30_000);
    }
  });
}

const openers = {
  "h2 on a unix socket": openUnix,
  memory: openMemory,
  h2: openH2,
  "h2 beside grpc-web": openBeside,
};
for (const [name, open] of Object.entries(openers)) {
  describe(name, () => {
    for (const { name: title, run } of transportConformance(open)) test(title, run, 30_000);
  });
}
