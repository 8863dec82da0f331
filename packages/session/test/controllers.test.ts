import { systemClock } from "@coterie/base";
import { opensslProvider as crypto } from "@coterie/crypto/openssl";
import { createSharedSecretIdentity, createSharedSecretVerifier } from "@coterie/identity/slim";
import { slimName } from "@coterie/wire/slim";
import { expect, onTestFinished, test } from "vitest";
import {
  channelOps,
  createControlRequester,
  openControlSession,
  signGrant,
} from "../src/control/index.ts";
import { Name, Service } from "../src/node.ts";
import type { App } from "../src/node.ts";

const secret = "0123456789abcdef0123456789abcdef";
const verifier = createSharedSecretVerifier({ crypto, clock: systemClock, secret });
const controllerBase = "agntcy/controller/slim-controller";

/** Apps of one service, which reach each other without a node, and a controller among them. */
function world() {
  const service = new Service("test");
  onTestFinished(() => service.shutdown());
  const app = (base: string): App => {
    const identity = createSharedSecretIdentity({
      crypto,
      clock: systemClock,
      secret,
      baseId: base,
    });
    return service.createApp(Name.fromString(base), identity, verifier);
  };
  const identity = createSharedSecretIdentity({
    crypto,
    clock: systemClock,
    secret,
    baseId: controllerBase,
  });
  const controller = service.createApp(Name.fromString(controllerBase), identity, verifier);
  const channel = "agntcy/ns/room";
  const ask = async (moderator: App) => {
    const { organization, namespace, service: own, id } = moderator.name().slim;
    const control = slimName(organization, namespace, `${own}~ctl`, id);
    const requester = createControlRequester(await openControlSession(controller, control));
    const name = moderator.name().toDebugString();
    const grant = signGrant(crypto, identity.keys.privateKey, {
      channel,
      moderator: name,
      moderators: [name],
      controller: controllerBase,
      issuedAt: Math.floor(Date.now() / 1000),
      ops: channelOps,
    });
    return {
      requester,
      create: () =>
        requester.ask(
          {
            op: "create-channel",
            channel,
            mls: true,
            interval: 1000,
            maxRetries: 10,
            metadata: {},
            grant,
          },
          20_000,
        ),
    };
  };
  return { app, controller, ask, channel };
}

test("SCT-25, SCT-27: an app without a line about controllers moderates a channel on a controller's word", async () => {
  const { app, ask, channel } = world();
  const [alice, bob] = [app("agntcy/ns/alice"), app("agntcy/ns/bob")];
  const { create, requester } = await ask(alice);
  await create();
  const group = await alice.listenForSession(20_000);
  expect(group.isInitiator()).toBe(true);
  expect(group.destination().toString()).toBe(channel);
  expect(group.config().mlsSettings).toBeDefined();
  await requester.ask({ op: "add-participant", channel, participant: "agntcy/ns/bob" }, 20_000);
  const joined = await bob.listenForSession(20_000);
  await group.publishAndWait(new TextEncoder().encode("hello"));
  const { payload } = await joined.getMessage(20_000);
  expect(new TextDecoder().decode(payload)).toBe("hello");
  const { participants } = await requester.ask({ op: "list-participants", channel }, 20_000);
  expect(participants?.map(({ name }) => name)).toEqual([
    alice.name().toDebugString(),
    bob.name().toDebugString(),
  ]);
  await requester.ask({ op: "delete-participant", channel, participant: "agntcy/ns/bob" }, 20_000);
  await expect(joined.getMessage(20_000)).rejects.toMatchObject({ code: "session/closed" });
  expect((await requester.ask({ op: "list-channels" }, 20_000)).channels).toHaveLength(1);
  await requester.ask({ op: "delete-channel", channel }, 20_000);
  await expect(group.getMessage(20_000)).rejects.toMatchObject({ code: "session/closed" });
  // the conversation with the controller is nobody else's
  await expect(alice.listenForSession(20)).rejects.toMatchObject({ code: "session/timeout" });
  await requester.close();
});

test("SCT-23: an app that accepts no controller does not answer to its control name, and one that does again, answers again", async () => {
  const { app, ask } = world();
  const alice = app("agntcy/ns/alice");
  await alice.acceptController("none");
  const refused = ask(alice);
  refused.catch(() => {});
  await alice.acceptController([controllerBase]);
  const { create } = await ask(alice);
  await create();
  expect((await alice.listenForSession(20_000)).isInitiator()).toBe(true);
});

test("SCT-24: a session about channels from somebody who is no controller is not joined, whatever the app's own policy says", async () => {
  const { app, ask } = world();
  const alice = app("agntcy/ns/alice");
  alice.onInvite(() => "accept");
  await alice.acceptController(["agntcy/controller/another"]);
  const asked = ask(alice);
  asked.catch(() => {});
  await expect(alice.listenForSession(300)).rejects.toMatchObject({ code: "session/timeout" });
  // and a controller is let in where nobody else is
  alice.onInvite(() => "deny");
  await alice.acceptController("verified");
  const { create } = await ask(alice);
  await create();
  expect((await alice.listenForSession(20_000)).isInitiator()).toBe(true);
});
