import { systemClock } from "@coterie/base";
import { createSharedSecretVerifier } from "@coterie/identity/slim";
import { createStaticIdentity } from "@coterie/identity/slim/jwt";
import { expect, test } from "vitest";
import { Name, newInsecureClientConfig, newInsecureServerConfig, Service } from "../src/node.ts";
import { crypto, secret } from "./world.ts";

test("SID-06: with a token that names no key an app subscribes, and says why it can do no more", async () => {
  await using node = new Service("node");
  await node.runServer(newInsecureServerConfig("127.0.0.1:0"));
  await using service = new Service("static");
  await service.connect(newInsecureClientConfig(node.serverUrl("127.0.0.1:0") as string));
  const claims = Buffer.from(JSON.stringify({ sub: "alice-1" })).toString("base64url");
  const identity = await createStaticIdentity({
    clock: systemClock,
    source: () => `e30.${claims}.AAAA`,
  });
  const verifier = createSharedSecretVerifier({ crypto, clock: systemClock, secret });
  const app = service.createApp(new Name("agntcy", "ns", "alice"), identity, verifier);
  await app.subscribe(new Name("agntcy", "ns", "alice-too"));
  const cannotSign = { code: "identity/cannot-sign" };
  const [pair, group] = [0, 1] as const;
  const bob = new Name("agntcy", "ns", "bob");
  await expect(app.createSession({ sessionType: pair }, bob)).rejects.toMatchObject(cannotSign);
  const mls = { sessionType: group, enableMls: true };
  await expect(app.createSession(mls, bob)).rejects.toMatchObject(cannotSign);
  const session = await app.createSessionAndWait(
    { sessionType: group },
    new Name("agntcy", "ns", "chat"),
  );
  await expect(session.inviteAndWait(bob)).rejects.toMatchObject(cannotSign);
});
