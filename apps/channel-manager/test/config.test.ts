import { expect, test, vi } from "vitest";
import { NodeError } from "@coterie/node";
import { loadYaml } from "@coterie/node/yaml";
import {
  openHostedChannels,
  readManagerConfig,
  startConfiguredChannels,
} from "@coterie/channel-manager";
import type { ManagerConfig } from "@coterie/channel-manager";
import { fakeHost } from "./fake-host.ts";

const secret = "0123456789abcdef0123456789abcdef";
const minimal = `
channel-manager:
  slim-connection: { endpoint: "http://127.0.0.1:46357", tls: { insecure: true } }
  api-server: { endpoint: "127.0.0.1:10356", tls: { insecure: true } }
  local-name: agntcy/ns/channel-manager
  auth: { type: shared_secret, secret: ${secret} }
`;
const read = (text: string): ManagerConfig =>
  readManagerConfig(
    loadYaml(text, { env: { PASSPHRASE: "open sesame" }, readFile: () => `${secret}\n` }),
  );
const refused = (text: string): string => {
  try {
    read(text);
  } catch (error) {
    if (error instanceof NodeError && error.code === "node/bad-config") return error.message;
    throw error;
  }
  return "";
};

test("SCM-07: the keys of a channel manager, with values from the environment and from files", () => {
  const config = read(`${minimal.replace(secret, '"${file:/run/secret}"')}
  channels:
    - name: agntcy/ns/chat
      participants: [agntcy/ns/alice, agntcy/ns/bob]
    - { name: agntcy/ns/open, participants: [], mls-enabled: false }
  persistence:
    path: /var/lib/cm
    encryption-passphrase: \${env:PASSPHRASE}
    delete-sessions-on-shutdown: false
services: { slim/0: {} }
`);
  const name = (service: string) => ({
    organization: "agntcy",
    namespace: "ns",
    service,
    id: undefined,
  });
  expect(config).toMatchObject({
    connection: { endpoint: "http://127.0.0.1:46357", tls: undefined },
    api: { kind: "grpc", host: "127.0.0.1", port: 10356, tls: undefined },
    localName: name("channel-manager"),
    identity: { kind: "shared-secret", id: "agntcy/ns/channel-manager", secret },
    channels: [
      { name: name("chat"), participants: [name("alice"), name("bob")], mls: true },
      { name: name("open"), participants: [], mls: false },
    ],
    persistence: { path: "/var/lib/cm", passphrase: "open sesame", deleteOnShutdown: false },
  });
  expect(read(minimal)).toMatchObject({ channels: [], persistence: undefined });
});

test("SCM-07: what is wrong is named by its path", () => {
  const at = "channel-manager";
  const cases: readonly [string, string][] = [
    ["services: {}", `${at} must be there`],
    [minimal.replace("slim-connection", "slim_connection"), `${at}.slim-connection must be there`],
    [`${minimal}  chanels: []\n`, `${at}.chanels is no key that is known here`],
    [minimal.replace(secret, "short"), `${at}.auth.secret must be a text of at least 32 bytes`],
    [minimal.replace("shared_secret", "spire"), `${at}.auth.type must be shared_secret`],
    [
      minimal.replace("agntcy/ns/channel-manager", "manager"),
      `${at}.local-name is no name: invalid name format, expected 3 components separated by '/'`,
    ],
    [
      `${minimal}  channels: [{name: a/b/c, participants: [a/b/d, e]}]\n`,
      `${at}.channels[0].participants[1] is no name: invalid name format, expected 3 or 4 components separated by '/'`,
    ],
    [
      `${minimal}  channels: [{name: a/b/c}, {name: a/b/c}]\n`,
      `${at}.channels[1].name is a channel that stands above`,
    ],
    [
      `${minimal}  persistence: {path: /x}\n`,
      `${at}.persistence.encryption-passphrase must be there, unless insecure is true`,
    ],
    [
      `${minimal}  persistence: {path: /x, insecure: true, encryption-passphrase: y}\n`,
      `${at}.persistence.insecure and encryption-passphrase exclude each other`,
    ],
    [`${minimal}  persistence: {insecure: true}\n`, `${at}.persistence.path must name a folder`],
  ];
  expect(cases.map(([text]) => [text, refused(text)])).toEqual(cases);
});

test("SCM-06: channels of the file are made, and who is missing is invited until they are in", async () => {
  vi.useFakeTimers();
  try {
    const { channels: wanted } = read(`${minimal}
  channels:
    - { name: agntcy/ns/kept, participants: [agntcy/ns/alice] }
    - { name: agntcy/ns/new, participants: [agntcy/ns/bob, agntcy/ns/alice], mls-enabled: false }
`);
    const host = fakeHost(["agntcy/ns/kept"]);
    const channels = await openHostedChannels(host);
    host.absent.add("agntcy/ns/bob");
    const started = await startConfiguredChannels(channels, wanted, { retryMs: 1000 });
    await started.invitedOnce;
    expect(host.created).toEqual([{ channel: "agntcy/ns/new", options: { mls: false } }]);
    expect(host.story).toEqual([
      "invited agntcy/ns/alice to agntcy/ns/kept",
      "invited agntcy/ns/alice to agntcy/ns/new",
    ]);
    await vi.advanceTimersByTimeAsync(1000);
    host.absent.clear();
    await vi.advanceTimersByTimeAsync(1000);
    expect(host.story.at(-1)).toBe("invited agntcy/ns/bob to agntcy/ns/new");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(host.story).toHaveLength(3);
    started.stop();
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
