import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { NodeError } from "@coterie/node";
import { loadYaml, readNodeFile, serverTls } from "@coterie/node/yaml";
import type { NodeFile } from "@coterie/node/yaml";

const root = mkdtempSync(join(tmpdir(), "coterie-config-"));
afterAll(() => rmSync(root, { recursive: true }));
const pem = (name: string): string => {
  const path = join(root, name);
  writeFileSync(path, `the ${name}`);
  return path;
};

const read = (text: string, env: Record<string, string> = {}): NodeFile =>
  readNodeFile(loadYaml(text, { env, readFile: () => "" }));
const refused = (text: string): string => {
  try {
    read(text);
  } catch (error) {
    if (error instanceof NodeError && error.code === "node/bad-config") return error.message;
    throw error;
  }
  return "";
};

test("SND-01: a file in the shape of SLIM's", () => {
  const loaded = loadYaml(
    `
tracing: { log_level: debug, display_thread_names: true }
runtime: { n_cores: 0, drain_timeout: 7s }
services:
  slim/0:
    node_id: slim-1
    domain_name: cluster-a
    auth: { type: shared_secret, secret: "\${env:SECRET}" }
    dataplane:
      servers:
        - endpoint: "0.0.0.0:46357"
          tls:
            source: { type: file, cert: ${pem("cert")}, key: ${pem("key")} }
            client_ca: { type: file, path: ${pem("ca")} }
            tls_version: tls1.2
          auth: { type: basic, username: ada, password: lovelace }
          metadata: { external_endpoint: "slim.example:46357" }
        - { endpoint: "ws://[::1]:46380/slim", tls: { insecure: true } }
        - { endpoint: "unix:///run/slim.sock", tls: { insecure: true } }
      clients:
        - endpoint: https://other:46357
          server_name: other.example
          tls: { ca_source: { type: pem, data: PEM }, insecure_skip_verify: true }
          headers: { x-tenant: blue }
          connect_timeout: 3s
    controller:
      servers: [{ endpoint: "127.0.0.1:46358", tls: { insecure: true } }]
      clients: [{ endpoint: "http://127.0.0.1:50052", tls: { insecure: true } }]
    peers:
      topology: full_mesh
      discovery:
        type: static
        peers: [{ node_id: slim-2, endpoint: "http://127.0.0.1:46359", tls: { insecure: true } }]
`,
    { env: { SECRET: "hush" }, readFile: () => "" },
  );
  const file = readNodeFile(loaded);
  expect(file).toMatchObject({
    data: undefined,
    logLevel: "debug",
    graceMs: 7000,
    nodeId: "slim-1",
    domain: "cluster-a",
    domainSecret: "hush",
    servers: [
      {
        kind: "grpc",
        host: "0.0.0.0",
        port: 46357,
        tls: { cert: "the cert", key: "the key", ca: "the ca", minVersion: "TLSv1.2" },
        auth: { kind: "basic", username: "ada", password: "lovelace" },
        externalEndpoint: "slim.example:46357",
      },
      { kind: "websocket", host: "::1", port: 46380, path: "/slim", tls: undefined },
      { kind: "unix", host: "/run/slim.sock", tls: undefined },
    ],
    clients: [
      {
        endpoint: "https://other:46357",
        serverName: "other.example",
        tls: { ca: "PEM", insecureSkipVerify: true, minVersion: "TLSv1.3" },
        headers: new Map([["x-tenant", "blue"]]),
        connectTimeoutMs: 3000,
      },
    ],
    peers: [{ nodeId: "slim-2", endpoint: "http://127.0.0.1:46359", tls: undefined }],
    controlServers: [{ host: "127.0.0.1", port: 46358 }],
    controllers: [{ endpoint: "http://127.0.0.1:50052" }],
  });
  // SCN-09: only callers with a certificate of that
  const shown = { cert: "the cert", key: "the key", clientCa: "the ca", minVersion: "TLSv1.2" };
  expect(file.servers.map(serverTls)).toEqual([shown, undefined, undefined]);
  expect(loaded.notes).toEqual(["tracing.display_thread_names", "runtime.n_cores"]);
});

test("SND-01: the short form", () => {
  const file = read(`
data: ./data
xmtp: 127.0.0.1:5556
node_id: n1
domain: cluster-a
listen: [46357, "ws://0.0.0.0:46380", { endpoint: "unix:///run/slim.sock" }]
control: 46358
peers: ["http://n2:46357", { node_id: n3, endpoint: "http://n3:46357" }]
controller: http://ctl:50052
grace: 2s
log_level: warn
`);
  expect(file).toMatchObject({
    data: "./data",
    xmtp: "127.0.0.1:5556",
    nodeId: "n1",
    domain: "cluster-a",
    servers: [
      { kind: "grpc", host: "127.0.0.1", port: 46357, tls: undefined },
      { kind: "websocket", host: "0.0.0.0", port: 46380, path: "/" },
      { kind: "unix", host: "/run/slim.sock" },
    ],
    controlServers: [{ host: "127.0.0.1", port: 46358 }],
    peers: [
      { nodeId: undefined, endpoint: "http://n2:46357" },
      { nodeId: "n3", endpoint: "http://n3:46357" },
    ],
    controllers: [{ endpoint: "http://ctl:50052" }],
    graceMs: 2000,
    logLevel: "warn",
  });
  expect(read("")).toMatchObject({ servers: [], controllers: [] });
});

test("SND-01: what is wrong is named by its path", () => {
  const server = (rest: string): string =>
    `services: {slim/0: {dataplane: {servers: [{${rest}}]}}}`;
  const at = "services.slim/0.dataplane.servers[0]";
  const cases: readonly [string, string][] = [
    [
      "listen: [46357, nowhere]",
      "listen[1].endpoint must be HOST:PORT, ws://HOST:PORT or unix:///PATH",
    ],
    ["listne: 46357", "listne is no key that is known here"],
    [server("tls: {insecure: true}"), `${at}.endpoint must be HOST:PORT`],
    [server('endpoint: "a:1"'), `${at}.tls must hold a certificate, or insecure: true`],
    [
      server('endpoint: "a:1", tls: {insecure: false}'),
      `${at}.tls.source must hold a certificate and its key, unless insecure is true`,
    ],
    [
      server('endpoint: "a:1", tls: {source: {type: file, cert: /gone, key: /gone}}'),
      `${at}.tls.source.cert names /gone, which cannot be read`,
    ],
    [
      server('endpoint: "a:1", tls: {cert_pem: x}'),
      `${at}.tls.source must hold a certificate and its key, or neither`,
    ],
    [
      server('endpoint: "a:1", tls: {source: {type: spire}}'),
      `${at}.tls.source.type spire is not supported: give a file`,
    ],
    [
      server('endpoint: "ftp://a:1", tls: {insecure: true}'),
      `${at}.endpoint must be HOST:PORT, ws://HOST:PORT or unix:///PATH`,
    ],
    [
      server('endpoint: "a:1", tls: {insecure: true}, auth: {type: oidc}'),
      `${at}.auth.type must be basic or none`,
    ],
    [
      server('endpoint: "a:1", tls: {insecure: true}, auth: {type: basic, username: a}'),
      `${at}.auth.password must be a text`,
    ],
    [
      "services: {slim/0: {}, slim/1: {}}",
      "services.slim/1 is a second service: one process is one node",
    ],
    ["services: {rain/0: {}}", "services.rain/0 must be called slim/0 or the like"],
    [
      "services: {slim/0: {peers: {discovery: {type: kubernetes}}}}",
      "services.slim/0.peers.discovery.type must be one of static",
    ],
    [
      "services: {slim/0: {dataplane: {enforce_pqc: true}}}",
      "services.slim/0.dataplane.enforce_pqc is not supported",
    ],
    ["xmtp: 127.0.0.1:5556", "data must name a folder, as the XMTP half keeps messages"],
    [
      "tracing: {log_level: loud}",
      "tracing.log_level must be one of trace, debug, info, warn, error, silent",
    ],
  ];
  expect(cases.map(([text]) => [text, refused(text)])).toEqual(cases);
});
