// Identities that take promises, in apps over a data plane: what verifying needs is fetched while messages wait.
import { generateKeyPairSync } from "node:crypto";
import { systemClock as clock } from "@coterie/base";
import type { InboxId } from "@coterie/base";
import { installationFromSeed, installationMember, memberKey } from "@coterie/identity";
import type { AssociationState, Installation } from "@coterie/identity";
import { createInboxIdentity, createInboxVerifier } from "@coterie/identity/slim";
import type { SlimIdentity, SlimVerifier } from "@coterie/identity/slim";
import { createJwtIdentity, createJwtVerifier } from "@coterie/identity/slim/jwt";
import type { Jwk } from "@coterie/identity/slim/jwt";
import { expect, test } from "vitest";
import { Name, newInsecureClientConfig, newInsecureServerConfig, Service } from "../src/node.ts";
import { crypto } from "./world.ts";

const text = (data: Uint8Array): string => new TextDecoder().decode(data);
const bytes = (words: string): Uint8Array => new TextEncoder().encode(words);

/** A group with MLS of apps with these identities, each with a verifier of its own. */
async function talk(people: readonly SlimIdentity[], verifier: () => Promise<SlimVerifier>) {
  await using node = new Service("node");
  await node.runServer(newInsecureServerConfig("127.0.0.1:0"));
  const services: Service[] = [];
  try {
    const apps = [];
    for (const [at, identity] of people.entries()) {
      const service = new Service(`person ${at}`);
      services.push(service);
      await service.connect(newInsecureClientConfig(node.serverUrl("127.0.0.1:0") as string));
      apps.push(service.createApp(new Name("agntcy", "ns", `p${at}`), identity, await verifier()));
    }
    const [first, ...others] = apps as [(typeof apps)[0], ...typeof apps];
    const config = { sessionType: 1, enableMls: true, maxRetries: 5, interval: 300 } as const;
    const session = await first.createSessionAndWait(config, new Name("agntcy", "ns", "chat"));
    const heard: string[] = [];
    for (const other of others) {
      const joining = other.listenForSession(10_000);
      await session.inviteAndWait(other.name());
      const joined = await joining;
      await session.publishAndWait(bytes("hello"));
      heard.push(text((await joined.getMessage(10_000)).payload));
      await joined.publishAndWait(bytes("hello back"));
      heard.push(text((await session.getMessage(10_000)).payload));
    }
    const refused = apps.flatMap((app) => Array.from(app.refusals().keys()));
    return { heard, refused };
  } finally {
    await Promise.all(services.map((service) => service.shutdown()));
  }
}
const expected = ["hello", "hello back", "hello", "hello back"];

test("SID-06: keys at an address, and signatures that only the platform can check", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = { jwk: privateKey.export({ format: "jwk" }) as Jwk };
  const keySet = { keys: [{ ...publicKey.export({ format: "jwk" }), alg: "RS256" }] };
  let asked = 0;
  const fetch = async () => {
    asked += 1;
    await new Promise((resolve) => setTimeout(resolve, 20));
    return Response.json(keySet) as never;
  };
  const people = await Promise.all(
    ["a", "b", "c"].map((subject) =>
      createJwtIdentity({ crypto, clock, algorithm: "RS256", key, subject }),
    ),
  );
  const keys = { keySetUrl: "https://id.example/keys", fetch };
  const { heard, refused } = await talk(people, () => createJwtVerifier({ crypto, clock, keys }));
  expect(heard).toEqual(expected);
  expect(refused).toEqual([]);
  // once for each app
  expect(asked).toBe(3);
});

test("SID-08: people of another world, looked up while their first message waits", async () => {
  const inboxes = new Map<string, Installation>();
  const people = [1, 2, 3].map((n) => {
    const inboxId = n.toString(16).padStart(64, "0") as InboxId;
    const installation = installationFromSeed(crypto, new Uint8Array(32).fill(n));
    inboxes.set(inboxId, installation);
    return createInboxIdentity({ crypto, clock, inboxId, installation });
  });
  const lookup = async (inboxId: InboxId) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const id = installationMember((inboxes.get(inboxId) as Installation).id);
    return { inboxId, members: new Map([[memberKey(id), { id }]]) } as unknown as AssociationState;
  };
  const { heard, refused } = await talk(people, async () =>
    createInboxVerifier({ crypto, clock, lookup }),
  );
  expect(heard).toEqual(expected);
  expect(refused).toEqual([]);
});
