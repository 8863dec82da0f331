// The guide that this library was written for, line by line in TypeScript.
import * as slimBindings from "@coterie/session/node";
import { afterEach, expect, test } from "vitest";
import { createNode, secret } from "./node.ts";

let node: ReturnType<typeof createNode> | undefined;
afterEach(async () => node?.close());

/** A local app, as the guide has one: created, connected, subscribed. */
async function createLocalApp(local: string) {
  const service = (node as ReturnType<typeof createNode>).service(local);
  const connId = await service.connectAsync(slimBindings.newInsecureClientConfig("http://node"));
  const name = slimBindings.Name.fromString(local);
  const localApp = service.createAppWithSecret(name, secret);
  await localApp.subscribeAsync(name, connId);
  return { localApp, connId };
}

test.each([true, false])("the guide of the bindings, with enableMls %s", async (enableMls) => {
  node = createNode();
  slimBindings.initializeWithDefaults();
  const local = "agntcy/ns/moderator";
  const { localApp, connId } = await createLocalApp(local);
  const invites = ["agntcy/ns/client-1", "agntcy/ns/client-2"];
  const clients = await Promise.all(invites.map(createLocalApp));
  const chatChannel = new slimBindings.Name("agntcy", "ns", "chat");

  // Create group session configuration
  const sessionConfig = {
    sessionType: slimBindings.SessionType.Group,
    enableMls, // Enable Messaging Layer Security for end-to-end encrypted & authenticated group communication.
    maxRetries: 5, // Max per-message resend attempts upon missing ack before reporting a delivery failure.
    interval: { seconds: 5 }, // Ack / delivery wait window; after this duration a retry is triggered (until max_retries).
    metadata: {},
  };
  // Create session - returns the session and a completion handle
  const session = await localApp.createSession(sessionConfig, chatChannel);
  // Wait for session to be established
  await session.completion.waitAsync();
  const createdSession = session.session;

  const waiting = clients.map(async (client) => client.localApp.listenForSessionAsync(undefined));
  const printed: string[] = [];
  for (const invite of invites) {
    const inviteName = slimBindings.Name.fromString(invite);
    await localApp.setRouteAsync(inviteName, connId);
    const handle = await createdSession.inviteAsync(inviteName); // invite participant
    await handle.waitAsync(); // await for the invite to be finished
    printed.push(`${local} -> add ${inviteName} to the group`);
  }
  expect(printed[1]).toBe("agntcy/ns/moderator -> add agntcy/ns/client-2 to the group");
  const sessions = await Promise.all(waiting);
  expect(sessions.map((one) => one.sessionId())).toEqual([
    createdSession.sessionId(),
    createdSession.sessionId(),
  ]);

  // Send message to the channel_name specified when creating the session.
  // As the session is group, all participants will receive it.
  await createdSession.publishAsync(
    new TextEncoder().encode("hello"), // payload
    undefined, // payload_type
    undefined, // metadata
  );
  for (const one of sessions) {
    // Await next inbound message from the group session.
    const receivedMsg = await one.getMessageAsync({ seconds: 30 });
    const ctx = receivedMsg.context;
    const { payload } = receivedMsg;
    expect(`${ctx.sourceName} > ${new TextDecoder().decode(payload)}`).toBe(
      "agntcy/ns/moderator > hello",
    );
    expect(ctx.payloadType).toBe("msg");
    await one.publishToAsync(ctx, new TextEncoder().encode("just you"), undefined, undefined);
  }
  const replies = [
    await createdSession.getMessage(30_000),
    await createdSession.getMessage(30_000),
  ];
  expect(replies.map(({ context }) => String(context.sourceName)).toSorted()).toEqual(invites);

  await createdSession.removeAndWaitAsync(slimBindings.Name.fromString("agntcy/ns/client-1"));
  await expect(sessions[0]?.getMessageAsync(30_000)).rejects.toMatchObject({
    code: "session/closed",
    message: "session closed",
    tag: "SessionError",
  });
  await localApp.deleteSessionAndWaitAsync(createdSession);
  await expect(sessions[1]?.getMessageAsync(30_000)).rejects.toMatchObject({
    code: "session/closed",
  });
});
