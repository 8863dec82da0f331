// SLIM apps of one kind in a process of their own: node slim-actor.mjs KIND. Takes orders as lines of JSON on stdin and answers each on stdout,
// in the order in which they end. Native objects live as long as something refers to them: nothing is let go of before it is closed.
import { bindings } from "./slim-kinds.mjs";
import { takeOrders } from "./take-orders.mjs";

const [kind] = process.argv.slice(2);
const slim = await bindings(kind);
const secret = "0123456789abcdef0123456789abcdef";
const apps = new Map();
const sessions = new Map();
const nameOf = (text) => new slim.Name(...text.split("/"));
const textOf = (name) => name.components().join("/");
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What an error says, in one line. */
function wordsOf(error) {
  const inner = error?.inner?.message ?? error?.inner?.[0];
  return `${error?.code ?? ""} ${error?.message ?? error} ${inner ?? ""}`.trim();
}

/** Links have 5 seconds to be negotiated, which a crowded machine may not have: then again. */
async function patiently(connect) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await connect();
    } catch (error) {
      if (tries === 4 || !/negotiation/.test(wordsOf(error))) throw error;
    }
  }
}

/** Takes what an app is invited to for as long as it lives. */
async function join({ app, inbox, waiting }) {
  for (;;) {
    let session;
    try {
      session = keep(await app.listenForSessionAsync(undefined));
    } catch {
      return;
    }
    const asked = waiting.shift();
    if (asked) asked(session);
    else inbox.push(session);
  }
}

/** Reads a session for as long as it lives, so that nothing waits for a reader. */
function keep(session) {
  const number = sessions.size + 1;
  const kept = { session, inbox: [], waiting: [], texts: [], contexts: new Map(), closed: false };
  sessions.set(number, kept);
  const put = (item) => {
    if (kept.dropped) return;
    if (item.text !== undefined) kept.texts.push(item.text);
    const asked = kept.waiting.shift();
    if (asked) asked(item);
    else kept.inbox.push(item);
  };
  void (async () => {
    for (let failures = 0; failures < 1000 && !kept.closed;) {
      try {
        const { context, payload } = await session.getMessageAsync(undefined);
        const bytes = Buffer.from(payload);
        const from = textOf(context.sourceName);
        kept.contexts.set(from, context);
        put({
          from,
          type: context.payloadType,
          metadata: Object.fromEntries(context.metadata),
          size: bytes.length,
          text: bytes.length <= 4096 ? bytes.toString() : undefined,
        });
      } catch (error) {
        const words = wordsOf(error);
        put({ error: words });
        failures += 1;
        if (/session closed|closed/i.test(words)) kept.closed = true;
        await pause(5);
      }
    }
  })();
  return number;
}

async function take({ inbox, waiting }, timeout) {
  if (inbox.length > 0) return inbox.shift();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      waiting.splice(waiting.indexOf(asked), 1);
      reject(new Error("nothing came"));
    }, timeout);
    const asked = (item) => {
      clearTimeout(timer);
      resolve(item);
    };
    waiting.push(asked);
  });
}

/** Ends with what the handle says: who has acknowledged, where it says so. */
async function ended(handle) {
  const outcome = await handle.waitAsync();
  if (outcome?.missing === undefined) return {};
  const full = (names) => names.map(textOf);
  return { acked: full(outcome.acked), missing: full(outcome.missing) };
}

const payloadOf = ({ text, size }) =>
  text === undefined ? new Uint8Array(size).buffer : new TextEncoder().encode(text).buffer;

function configOf({
  type,
  mls,
  interval = 1000,
  retries = 5,
  reliable = true,
  metadata = {},
  more,
}) {
  const mlsSettings = {
    headerIntegrityValidationPercent: mls,
    maxSeenControlMessageIdsSize: undefined,
  };
  return {
    sessionType: slim.SessionType[type],
    maxRetries: reliable ? retries : undefined,
    interval: reliable ? interval : undefined,
    metadata: new Map(Object.entries(metadata)),
    mlsSettings: typeof mls === "number" ? mlsSettings : undefined,
    ...(kind === "ours" ? more : {}),
  };
}

/** Tokens signed and verified with keys: `signs` and `verifies` are `{ algorithm, format, key }`. */
function jwtConfigs(name, { signs, verifies, issuer, audience, duration = 3_600_000 }) {
  const keyOf = ({ algorithm, format, key: value }) => ({
    algorithm: slim.JwtAlgorithm[algorithm],
    format: slim.JwtKeyFormat[format],
    key: new slim.JwtKeyData.Data({ value }),
  });
  const common = { issuer, audience, duration };
  const provider = {
    ...common,
    subject: `${name}-${Math.random()}`,
    key: new slim.JwtKeyType.Encoding({ key: keyOf(signs) }),
  };
  const verifier = {
    ...common,
    subject: undefined,
    key: new slim.JwtKeyType.Decoding({ key: keyOf(verifies) }),
  };
  return [
    new slim.IdentityProviderConfig.Jwt({ config: provider }),
    new slim.IdentityVerifierConfig.Jwt({ config: verifier }),
  ];
}

const orders = {
  async app({
    app: name,
    url,
    direction,
    service = name.replaceAll("/", "-"),
    config = {},
    secret: own = secret,
    jwt,
  }) {
    const holder = new slim.Service(service);
    const connection = await patiently(() =>
      holder.connectAsync({ ...slim.newInsecureClientConfig(url), ...config }),
    );
    const appName = nameOf(name);
    const app =
      jwt !== undefined
        ? holder.createApp(appName, ...jwtConfigs(name, jwt))
        : direction === undefined
          ? await holder.createAppWithSecret(appName, own)
          : await holder.createAppWithDirection(
              appName,
              new slim.IdentityProviderConfig.SharedSecret({ id: name, data: own }),
              new slim.IdentityVerifierConfig.SharedSecret({ id: name, data: own }),
              slim.Direction[direction],
            );
    const kept = { holder, connection, app, inbox: [], waiting: [] };
    apps.set(name, kept);
    await app.subscribeAsync(appName, connection);
    void join(kept);
    return { id: app.id() };
  },
  async disconnect({ app: name }) {
    const { holder, connection } = apps.get(name);
    await holder.disconnect(connection);
  },
  async route({ app: name, to }) {
    const { app, connection } = apps.get(name);
    await app.setRouteAsync(nameOf(to), connection);
  },
  async create({ app: name, destination, ...config }) {
    const { app } = apps.get(name);
    const session = await app.createSessionAndWaitAsync(configOf(config), nameOf(destination));
    return keep(session);
  },
  listen: async ({ app: name, timeout = 20_000 }) => take(apps.get(name), timeout),
  /** Forgets sessions that nobody has asked for. */
  async forgetJoined({ app: name }) {
    apps.get(name).inbox.length = 0;
  },
  async info({ session: number }) {
    const { session } = sessions.get(number);
    return {
      id: session.sessionId(),
      type: session.sessionType() === slim.SessionType.Group ? "Group" : "PointToPoint",
      isInitiator: session.isInitiator(),
      metadata: Object.fromEntries(session.metadata()),
      source: textOf(session.source()),
      destination: textOf(session.destination()),
    };
  },
  async participants({ session: number }) {
    const list = await sessions.get(number).session.participantsListAsync();
    return list
      .map(({ name, status }) => `${textOf(name)} ${status === 0 ? "online" : "offline"}`)
      .toSorted();
  },
  invite: async ({ session, name }) =>
    ended(await sessions.get(session).session.inviteAsync(nameOf(name))),
  remove: async ({ session, name }) =>
    ended(await sessions.get(session).session.removeAsync(nameOf(name))),
  async publish({ session, type = "msg", metadata = {}, ...payload }) {
    const about = new Map(Object.entries(metadata));
    const handle = await sessions
      .get(session)
      .session.publishAsync(payloadOf(payload), type, about);
    return ended(handle);
  },
  /** Many at once: all on their way before the first is waited for. Their texts are numbers. */
  async publishMany({ session: number, count, prefix = "", size }) {
    const { session } = sessions.get(number);
    const handles = [];
    for (let at = 0; at < count; at += 1) {
      const payload = payloadOf(size === undefined ? { text: `${prefix}${at}` } : { size });
      handles.push(await session.publishAsync(payload, "msg", new Map()));
    }
    const started = performance.now();
    for (const handle of handles) await handle.waitAsync();
    return { lastMs: performance.now() - started };
  },
  /** To the one who sent something before: the bindings address by the context of a message. */
  async publishTo({ session: number, to, type = "msg", metadata = {}, ...payload }) {
    const { session, contexts } = sessions.get(number);
    const context = contexts.get(to);
    if (context === undefined) throw new Error(`nothing came from ${to} yet`);
    const about = new Map(Object.entries(metadata));
    return ended(await session.publishToAsync(context, payloadOf(payload), type, about));
  },
  read: async ({ session, timeout = 15_000 }) => take(sessions.get(session), timeout),
  /** As many as come; only of those that begin so where that is told. */
  async readMany({ session, count, prefix, timeout = 30_000 }) {
    const items = [];
    while (items.length < count) {
      const item = await take(sessions.get(session), timeout).catch(() => undefined);
      if (item === undefined) break;
      if (prefix === undefined || item.text?.startsWith(prefix)) items.push(item);
    }
    return items;
  },
  /** All words that ever came, read or not. */
  texts: async ({ session }) => sessions.get(session).texts,
  /** What lies there unread; takes it. */
  heard: async ({ session }) => sessions.get(session).inbox.splice(0),
  softClose: async ({ session }) =>
    ended(await sessions.get(session).session.closeWithModeAsync(slim.CloseMode.Soft)),
  close: async ({ session }) => ended(await sessions.get(session).session.closeAsync()),
  rejoin: async ({ session }) => ended(await sessions.get(session).session.rejoinAsync()),
  /** Ours alone. */
  handOver: async ({ session, to }) =>
    ended(await sessions.get(session).session.handOver(to === undefined ? undefined : nameOf(to))),
  moderator: async ({ session }) => textOf(sessions.get(session).session.moderator()),
  async keepHistory({ app }) {
    apps.get(app).app.keepHistory({ mayHave: () => true });
  },
  history: async ({ session }) =>
    (await sessions.get(session).session.history()).map(
      ({ sourceName, payload }) => `${textOf(sourceName)}: ${Buffer.from(payload).toString()}`,
    ),
  async delete({ app, session }) {
    return ended(await apps.get(app).app.deleteSessionAsync(sessions.get(session).session));
  },
  /** From now on what comes is read and let go of. */
  async drop({ session }) {
    sessions.get(session).dropped = true;
  },
  /** One publish after another for a while: the milliseconds of each until it is acknowledged. */
  async publishOften({ session: number, size, ms, warmUp }) {
    const { session } = sessions.get(number);
    const data = new Uint8Array(size).buffer;
    const once = async () => {
      const started = performance.now();
      const handle = await session.publishAsync(data, "msg", new Map());
      await handle.waitAsync();
      return performance.now() - started;
    };
    for (let n = 0; n < warmUp; n += 1) await once();
    const took = [];
    const end = performance.now() + ms;
    while (performance.now() < end || took.length < 5) took.push(await once());
    return took;
  },
  /** Publishes for a while with `window` of them under way; ends when the last is acknowledged. */
  async pipeline({ session: number, size, ms, window }) {
    const { session } = sessions.get(number);
    const data = new Uint8Array(size).buffer;
    const started = performance.now();
    let count = 0;
    const lane = async () => {
      while (performance.now() - started < ms) {
        count += 1;
        const handle = await session.publishAsync(data, "msg", new Map());
        await handle.waitAsync();
      }
    };
    await Promise.all(Array.from({ length: window }, lane));
    return { count, perSecond: (1000 * count) / (performance.now() - started) };
  },
  usage: async () => ({ rss: process.memoryUsage.rss(), cpuMicros: process.cpuUsage() }),
};

takeOrders(orders, wordsOf);
