// Three native SLIM apps, each with a connection of its own, through one node:
//   node slim-story.mjs PACKAGE URL mls|plain
// Prints a JSON line for each thing that was seen. A process of its own: two native cores do not share one.
const [name, url, mode] = process.argv.slice(2);
const native = await import(name);
const slim = { ...native.default, ...native };
slim.initializeWithDefaults?.();

const secret = "0123456789abcdef0123456789abcdef";
const text = (words) => new TextEncoder().encode(words).buffer;
const read = async (session) => {
  const { payload } = await session.getMessageAsync(5000);
  return new TextDecoder().decode(payload);
};
const say = (seen, value) => console.log(JSON.stringify({ seen, value }));

async function connect(service) {
  const own = new slim.Service(service);
  const connection = await own.connectAsync(slim.newInsecureClientConfig(url));
  const appName = new slim.Name("agntcy", "ns", service);
  const app = own.createAppWithSecret(appName, secret);
  await app.subscribeAsync(appName, connection);
  return { app, appName, connection };
}

const [alice, bob, carol] = await Promise.all(["alice", "bob", "carol"].map(connect));
say("connected", 3);

const config = {
  maxRetries: 5,
  interval: 1000,
  metadata: new Map([["topic", "lunch"]]),
  mlsSettings:
    mode === "mls"
      ? { headerIntegrityValidationPercent: 100, maxSeenControlMessageIdsSize: undefined }
      : undefined,
};
for (const { appName } of [bob, carol]) {
  await alice.app.setRouteAsync(appName, alice.connection);
}
const group = await alice.app.createSessionAndWaitAsync(
  { ...config, sessionType: slim.SessionType.Group },
  new slim.Name("agntcy", "ns", "chat"),
);
const sessions = [];
for (const { app, appName } of [bob, carol]) {
  const joining = app.listenForSessionAsync(10_000);
  await group.inviteAndWaitAsync(appName);
  sessions.push(await joining);
}
const [atBob, atCarol] = sessions;
say("joined", atCarol.metadata().get("topic"));

await group.publishAndWaitAsync(text("hello"), "msg", new Map());
say("group", [await read(atBob), await read(atCarol)]);

await atBob.publishAndWaitAsync(text("hello back"), "msg", new Map());
const answer = await group.getMessageAsync(5000);
say("answer", new TextDecoder().decode(answer.payload));
await read(atCarol);

await group.publishToAndWaitAsync(answer.context, text("for bob alone"), "msg", new Map());
say("publish-to", await read(atBob));

await group.publishAndWaitAsync(new Uint8Array(1 << 20).buffer, "msg", new Map());
const big = await Promise.all(sessions.map((session) => session.getMessageAsync(10_000)));
say(
  "1 MiB",
  big.map(({ payload }) => payload.byteLength),
);

const handles = [];
for (let n = 0; n < 300; n += 1) {
  handles.push(await group.publishAsync(text(String(n)), "msg", new Map()));
}
const many = [];
for (let n = 0; n < 300; n += 1) many.push(Number(await read(atCarol)));
for (let n = 0; n < 300; n += 1) await read(atBob);
for (const handle of handles) await handle.waitAsync();
say("pipelined", many.length === 300 && many.every((value, at) => value === at));

await group.removeAndWaitAsync(bob.appName);
await group.publishAndWaitAsync(text("without bob"), "msg", new Map());
say("removed", await read(atCarol));

const listening = carol.app.listenForSessionAsync(10_000);
const direct = await alice.app.createSessionAndWaitAsync(
  { ...config, sessionType: slim.SessionType.PointToPoint },
  carol.appName,
);
const theirs = await listening;
await direct.publishAndWaitAsync(text("just us"), "msg", new Map());
say("point-to-point", await read(theirs));

await alice.app.deleteSessionAndWaitAsync(direct);
await alice.app.deleteSessionAndWaitAsync(group);
say("closed", true);
process.exit(0);
