import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildProgram, runProgram } from "./program.ts";
import type { Ran } from "./program.ts";
import { channel, instance, startSlimServer } from "./slim-server.ts";
import type { SlimServer } from "./slim-server.ts";

const root = mkdtempSync(join(tmpdir(), "coterie-slim-cli-"));
const env = { HOME: root, COTERIE_HOME: join(root, "home") };
let server: SlimServer;

beforeAll(async () => {
  await buildProgram("slim-operator");
  server = await startSlimServer();
}, 60_000);
afterAll(async () => {
  await server.close();
  rmSync(root, { recursive: true });
});

const coterie = (...args: readonly string[]): Promise<Ran> =>
  runProgram(["--server", server.address, ...args], { env });
/** Runs all at once: each is a process of its own. */
async function outputs(cases: readonly (readonly [string, string])[]): Promise<void> {
  const ran = await Promise.all(cases.map(([line]) => coterie(...line.split(" "))));
  expect(ran.map(({ code, out, err }, at) => [cases[at]?.[0], code, out, err])).toEqual(
    cases.map(([line, out]) => [line, 0, out, ""]),
  );
}

test("SND-08: the seed's commands print the seed's words, to the byte", async () => {
  const c = channel;
  await outputs([
    [
      "controller channel create moderators=agntcy/ns/client-1/10494544672403736104",
      `Received response: ${c}\n`,
    ],
    ["controller channel list", `Following channels found: [${c} agntcy/ns/chat]\n`],
    [`controller channel delete ${c}`, `Channel deleted successfully with ID: ${c}\n`],
    [
      `controller participant add -c ${c} agntcy/ns/client-2`,
      `Adding participant to channel ID ${c}: agntcy/ns/client-2\nParticipant added successfully to channel ID ${c}: agntcy/ns/client-2\n`,
    ],
    [
      `controller participant delete -c ${c} agntcy/ns/client-2`,
      `Deleting participant from channel ID ${c}: agntcy/ns/client-2\nParticipant deleted successfully from channel ID ${c}: agntcy/ns/client-2\n`,
    ],
    [
      `ctrl participant list --channel-id ${c}`,
      `Listing participants for channel ID: ${c}\nFollowing participants found for channel ID ${c}: [${instance} agntcy/ns/client-2]\n`,
    ],
  ]);
});

test("SND-09: names reach the controller as they were typed, with a UUID, a decimal id or none", async () => {
  server.heard.length = 0;
  const typed = ["agntcy/ns/a/10494544672403736104", instance, "agntcy/ns/b"];
  await coterie("controller", "channel", "create", `moderators=${typed.join(",")}`);
  for (const name of typed) await coterie("c", "participant", "add", "-c", channel, name);
  expect(server.heard.map(({ request }) => request)).toEqual([
    { moderators: typed },
    ...typed.map((participantName) => ({ channelName: channel, participantName, moderators: [] })),
  ]);
});

test("SND-08: channel manager commands and their short names print the words of 2.x", async () => {
  await outputs([
    [
      "channel-manager create-channel agntcy/ns/chat",
      "Channel agntcy/ns/chat created successfully\n",
    ],
    ["cm cc agntcy/ns/chat --disable-mls", "Channel agntcy/ns/chat created successfully\n"],
    ["cm dc agntcy/ns/chat", "Channel agntcy/ns/chat deleted successfully\n"],
    [
      "cm ap agntcy/ns/chat agntcy/ns/bob",
      "Participant agntcy/ns/bob added to channel agntcy/ns/chat\n",
    ],
    [
      "cm dp agntcy/ns/chat agntcy/ns/bob",
      "Participant agntcy/ns/bob removed from channel agntcy/ns/chat\n",
    ],
    ["cm lc", "Channels (2):\n  - agntcy/ns/chat\n  - agntcy/ns/broadcast\n"],
    ["cm lp agntcy/ns/chat", `Participants in channel agntcy/ns/chat (1):\n  - ${instance}\n`],
  ]);
  const created = server.heard.filter(({ method }) => method === "CreateChannel").slice(-2);
  expect(
    new Set(created.map(({ request }) => (request as { mlsEnabled: boolean }).mlsEnabled)),
  ).toEqual(new Set([true, false]));
});

/** As many as all columns are wide, and two for each. */
const dashes = (count: number): string => "-".repeat(count);

const connectionTable = `2 connection(s)

  CONN_ID  TYPE    DIRECTION  ENDPOINT   LINK_ID                             
  ${dashes(77)}
  1        Edge    Incoming   APP        0d2f6a52-6a38-4c5e-8f2c-6f1f4b1f2a33
  12       Remote  Outgoing   node-west  link-a                              
`;
const routeTable = `2 route(s)

  ROUTE                                                    TYPE    ENDPOINT   LINK_ID                             
  ${dashes(114)}
  ${instance}  Edge    APP        0d2f6a52-6a38-4c5e-8f2c-6f1f4b1f2a33
  ${instance}  Remote  node-west  link-a                              
  agntcy/ns/idle/NULL_COMPONENT                            -       -          -                                   
`;

test("SND-08: the controller's tables are those of 2.x, to the byte", async () => {
  await outputs([
    [
      "controller node list",
      `2 node(s) registered

  NODE_ID    DOMAIN  STATUS        ENDPOINT        PUBLIC_ENDPOINT 
  ${dashes(67)}
  node-east  east    Connected     10.0.0.1:46357  east.example:443
  w                  NotConnected  -               -               
`,
    ],
    ["c conn ls -n node-east", `Connections for node: node-east\n${connectionTable}`],
    ["c route ls -n node-east", `Routes for node: node-east\n${routeTable}`],
    [
      "c route list",
      `Routes: 1 (applied only)

  SOURCE  DEST_NODE  ROUTE                              STATUS   LINK_ID
  ${dashes(72)}
  east    west       agntcy/ns/client-2/NULL_COMPONENT  APPLIED  link-a 
`,
    ],
    [
      "c link list -a",
      `Links: 2 (all statuses)

  LINK_ID  SOURCE  DEST_NODE  DEST_ENDPOINT          STATUS 
  ${dashes(60)}
  link-a   east    west       http://10.0.0.2:46357  APPLIED
  link-b                                             FAILED 
`,
    ],
    ["c link add east west", "Link east↔west added\n"],
    [
      "c link add east west -s blue",
      "Link east↔west added in segment 'blue'\n  Warning: domain 'west' is not registered\n",
    ],
    ["c link rm east west -s blue", "Link east↔west removed from segment 'blue'\n"],
    [
      "c domain ls",
      `2 domain(s)

  DOMAIN  NODES               
  ${dashes(30)}
  east    node-1, node-2      
  w       (no nodes connected)
`,
    ],
    ["c domain add east hush", "Domain 'east' added\n"],
    ["c domain remove east", "Domain 'east' removed (all nodes disconnected)\n"],
    [
      "c segment ls",
      `2 segment(s)

  SEGMENT  DOMAINS     LINKS      
  ${dashes(34)}
  default  east, west  east↔west  
  empty    -           -          
`,
    ],
    ["c segment add blue", "Segment 'blue' added\n"],
    ["c segment rm blue", "Segment 'blue' removed\n"],
  ]);
});

test("SND-08: a node is asked directly, its chunks make one table", async () => {
  await outputs([
    ["node connection list", connectionTable],
    ["i route ls", routeTable],
  ]);
});

test("SND-08: --output json gives one value a command, on stdout", async () => {
  const cases: readonly [string, unknown][] = [
    ["c channel create moderators=a/b/c", { channel }],
    ["c participant add -c x/y/z a/b/c", { channel: "x/y/z", participant: "a/b/c", added: true }],
    [
      `c participant list -c ${channel}`,
      { channel, participants: [instance, "agntcy/ns/client-2"] },
    ],
    ["cm lc", { channels: ["agntcy/ns/chat", "agntcy/ns/broadcast"] }],
    [
      "node route list",
      [
        {
          route: instance,
          connections: [expect.anything(), expect.objectContaining({ id: "12" })],
        },
        { route: "agntcy/ns/idle/NULL_COMPONENT", connections: [] },
      ],
    ],
    ["version", { version: "0.1.0" }],
  ];
  const ran = await Promise.all(
    cases.map(([line]) => coterie("--output", "json", ...line.split(" "))),
  );
  expect(ran.map(({ out }) => JSON.parse(out))).toEqual(cases.map(([, value]) => value));
});

test("SND-08: failures are `Error: …` on stderr and exit code 1", async () => {
  const cases: readonly [string, string, string?][] = [
    [
      "c channel create hello",
      "invalid syntax: expected 'moderators=moderator1,moderator2', got 'hello'",
    ],
    [
      "c channel create owners=a/b/c/1",
      "invalid syntax: expected keyword 'moderators', got 'owners'",
    ],
    ["c channel create moderators=", "at least one moderator is required to create a channel"],
    [
      `c participant add -c ${channel} nobody`,
      `participant nobody not found in channel ${channel}`,
      `Adding participant to channel ID ${channel}: nobody\n`,
    ],
    ["cm cc a/no/b", "Command failed: channel a/no/b not found"],
    ["cm lp a/no/b", "channel a/no/b not found"],
    ["c conn ls -n nobody", "nobody not found"],
    ["--timeout soon cm lc", "invalid duration 'soon', expected e.g. 15s or 1m"],
    ["--tls.cert_file x cm lc", "tls.cert_file and tls.key_file belong together"],
    ["-b me cm lc", "basic-auth-creds must be 'username:password'"],
    ["--config /does/not/exist cm lc", "/does/not/exist: cannot be read"],
  ];
  const ran = await Promise.all(cases.map(([line]) => coterie(...line.split(" "))));
  expect(ran.map(({ code, out, err }, at) => [cases[at]?.[0], code, err, out])).toEqual(
    cases.map(([line, words, out = ""]) => [line, 1, `Error: ${words}\n`, out]),
  );
  const json = await coterie("--output", "json", "cm", "cc", "a/no/b");
  expect([json.code, json.out, JSON.parse(json.err).error]).toEqual([
    1,
    "",
    expect.objectContaining({
      code: "cli/refused",
      message: "Command failed: channel a/no/b not found",
    }),
  ]);
  const away = await runProgram(["--server", "127.0.0.1:9", "cm", "lc"], { env });
  expect(away).toMatchObject({ code: 1, out: "" });
  expect(away.err).toMatch(/^Error: no answer from http:\/\/127\.0\.0\.1:9 \(.*\)\n$/);
}, 60_000);

test("SND-08: options come before the environment, that before the file, that before the default", async () => {
  const file = join(root, "slimctl.yaml");
  const set = (...args: readonly string[]): Promise<Ran> =>
    runProgram(["--config", file, "config", "set", ...args], { env });
  writeFileSync(file, "# mine\nendpoint: 127.0.0.1:9\n");
  expect(await set("server", server.address)).toEqual({ code: 0, out: "", err: "" });
  await set("timeout", "20s");
  await set("basic-auth-creds", "ops:pa:ss");
  expect(readFileSync(file, "utf8")).toMatch(/^# mine\nendpoint: /);
  const shown = await runProgram(["config", "list"], { env: { ...env, SLIMCTL_CONFIG: file } });
  expect(shown.out).toBe(
    `# mine\nendpoint: ${server.address}\nconnect_timeout: 20s\nrequest_timeout: 20s\nauth:\n  type: basic\n  username: ops\n  password: "***"\n`,
  );

  server.heard.length = 0;
  await runProgram(["--config", file, "cm", "lc"], { env });
  await runProgram(["--config", file, "cm", "lc"], {
    env: { ...env, SLIMCTL_COMMON_OPTS_BASIC_AUTH_CREDS: "env:x" },
  });
  await runProgram(["--config", file, "-b", "typed:x", "cm", "lc"], {
    env: { ...env, SLIMCTL_COMMON_OPTS_BASIC_AUTH_CREDS: "env:x" },
  });
  expect(
    server.heard.map(({ headers }) =>
      Buffer.from((headers["authorization"] ?? "").slice("Basic ".length), "base64").toString(),
    ),
  ).toEqual(["ops:pa:ss", "env:x", "typed:x"]);
  const elsewhere = await runProgram(["--config", file, "cm", "lc"], {
    env: { ...env, SLIMCTL_COMMON_OPTS_SERVER: "127.0.0.1:9" },
  });
  expect(elsewhere.code).toBe(1);

  // The first setting makes the file, for its owner alone.
  await runProgram(["config", "set", "server", server.address], { env });
  const own = join(env.COTERIE_HOME, "slim.yaml");
  expect(statSync(own).mode & 0o777).toBe(0o600);
  expect((await runProgram(["cm", "lc"], { env })).code).toBe(0);
}, 60_000);
