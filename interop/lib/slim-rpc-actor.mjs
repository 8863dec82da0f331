// Calls between SLIM apps: node slim-rpc-actor.mjs KIND serve URL NAME, or … KIND call URL NAME SERVER[,SERVER…]. A server says {"ready":true} and
// serves until its input ends; a caller says what it saw, a line of JSON each, and ends. Native objects live as long as something refers to them.
import { bindings, rpcOf } from "./slim-kinds.mjs";

const [kind, role, url, name, remotes = ""] = process.argv.slice(2);
const slim = await bindings(kind);
const rpc = await rpcOf(kind);
const ours = kind === "ours";
const secret = "0123456789abcdef0123456789abcdef";
const bytes = (words) => {
  const made = new TextEncoder().encode(words);
  return ours ? made : made.buffer;
};
const words = (data) => new TextDecoder().decode(data);
const nameOf = (text) => new slim.Name(...text.split("/"));
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const service = new slim.Service(name.replaceAll("/", "-"));
const connection = await service.connectAsync(slim.newInsecureClientConfig(url));
const app = service.createAppWithSecret(nameOf(name), secret);
await app.subscribeAsync(nameOf(name), connection);

/** One form for the handlers of both: async generators over texts. */
const methods = {
  UnaryUnary: {
    upper: async (text) => text.toUpperCase(),
    empty: async () => "",
    slow: async () => {
      await pause(3000);
      return "late";
    },
    context: async (_, context) => {
      const metadata = ours ? context.metadata : context.metadata();
      const left = ours ? context.remainingMs() : context.remainingTime();
      return `${metadata.get("team")} ${left > 1000 && left <= 20_000}`;
    },
    fail: async () => {
      const [code, message] = [rpc.RpcCode.NotFound, "no such lunch"];
      throw ours
        ? new rpc.RpcError(code, message)
        : new rpc.RpcError.Rpc({ code, message, details: undefined });
    },
  },
  UnaryStream: {
    async *count(text) {
      for (let n = 0; n < Number(text); n += 1) yield String(n);
    },
  },
  StreamUnary: {
    async join(texts) {
      let all = "";
      for await (const text of texts) all += text;
      return all;
    },
    async size(texts) {
      let size = 0;
      for await (const text of texts) size += text.length;
      return String(size);
    },
  },
  StreamStream: {
    async *echo(texts) {
      for await (const text of texts) yield text.toUpperCase();
    },
  },
};

async function* textsOf(stream) {
  if (ours) {
    for await (const data of stream) yield words(data);
    return;
  }
  for (;;) {
    const item = await stream.nextAsync();
    if (item.tag === "End") return;
    if (item.tag === "Error") throw item.inner[0];
    yield words(item.inner[0]);
  }
}

async function* encoded(texts) {
  for await (const text of texts) yield bytes(text);
}

function serve() {
  const server = ours
    ? new rpc.Server(app, nameOf(name), connection)
    : rpc.Server.newWithConnection(app, nameOf(name), connection);
  const handlerOf = (shape, method) => {
    const [takes, gives] = shape.split(/(?=[A-Z])/);
    const input = (request) => (takes === "Stream" ? textsOf(request) : words(request));
    if (gives === "Unary") {
      const handle = async (request, context) => bytes(await method(input(request), context));
      return ours ? handle : { handle };
    }
    if (ours) return (request, context) => encoded(method(input(request), context));
    return {
      async handle(request, context, sink) {
        for await (const text of method(input(request), context)) await sink.sendAsync(bytes(text));
        await sink.closeAsync();
      },
    };
  };
  for (const [shape, named] of Object.entries(methods)) {
    for (const [method, handler] of Object.entries(named)) {
      server[`register${shape}`]("svc", method, handlerOf(shape, handler));
    }
  }
  return server;
}

/** The eight calls in one form, for both. */
function callsOf(channel) {
  const after = (timeout = 20_000, metadata = undefined) => [timeout, metadata];
  const read = async (stream) => {
    const all = [];
    if (ours) for await (const data of stream) all.push(words(data));
    else for await (const text of textsOf(stream)) all.push(text);
    return all;
  };
  return {
    unary: async (method, text, ...more) =>
      words(await channel.callUnaryAsync("svc", method, bytes(text), ...after(...more))),
    unaryStream: async (method, text) => {
      const args = ["svc", method, bytes(text), ...after()];
      return read(
        ours ? channel.callUnaryStream(...args) : await channel.callUnaryStreamAsync(...args),
      );
    },
    streamUnary: async (method, texts) => {
      if (ours)
        return words(await channel.callStreamUnary("svc", method, encoded(texts), ...after()));
      const writer = channel.callStreamUnary("svc", method, ...after());
      for (const text of texts) await writer.sendAsync(bytes(text));
      return words(await writer.finalizeStreamAsync());
    },
    streamStream: async (method, texts) => {
      if (ours) return read(channel.callStreamStream("svc", method, encoded(texts), ...after()));
      const both = channel.callStreamStream("svc", method, ...after());
      for (const text of texts) await both.sendAsync(bytes(text));
      await both.closeSendAsync();
      return read({ nextAsync: () => both.recvAsync() });
    },
    /** Lines of `service text`, sorted. */
    multicast: async (method, text) => {
      const lines = [];
      const line = (source, said) =>
        lines.push(`${source.components()[2].replace(/-\d+$/, "")} ${said}`);
      const args = ["svc", method, bytes(text), ...after()];
      if (ours) {
        for await (const item of channel.callMulticastUnaryStream(...args)) {
          line(
            item.source,
            item.kind === "message" ? words(item.message) : `failed ${item.error.status}`,
          );
        }
        return lines;
      }
      const reader = await channel.callMulticastUnaryStreamAsync(...args);
      for (;;) {
        const item = await reader.nextAsync();
        if (item.tag === "End") return lines;
        if (item.tag === "Error") {
          const { origin, code } = item.inner.error.inner;
          line(nameOf(origin.split("/").slice(0, 3).join("/")), `failed ${code}`);
        } else line(item.inner.item.context.source, words(item.inner.item.message));
      }
    },
  };
}

async function call() {
  const say = async (seen, work) => {
    try {
      console.log(JSON.stringify({ seen, value: await work() }));
    } catch (error) {
      const inner = error?.inner ?? {};
      console.log(
        JSON.stringify({ seen, error: inner.message ?? String(error), code: inner.code }),
      );
    }
  };
  const servers = remotes.split(",").map(nameOf);
  const channel = ours
    ? new rpc.Channel(app, servers[0], connection)
    : rpc.Channel.newWithConnection(app, servers[0], connection);
  const { unary, unaryStream, streamUnary, streamStream } = callsOf(channel);
  const many = Array.from({ length: 100 }, (_, n) => `${n} ${"x".repeat(1000)}`);
  await say("unary", () => unary("upper", "lunch"));
  await say("unary-stream", () => unaryStream("count", "5"));
  await say("stream-unary", () => streamUnary("join", ["a", "b", "c"]));
  await say("stream-stream", () => streamStream("echo", ["a", "b", "c"]));
  await say("no requests", () => streamUnary("size", []));
  await say("context", () => unary("context", "", 20_000, new Map([["team", "blue"]])));
  await say("status", () => unary("fail", ""));
  await say("unknown method", () => unary("nothing", ""));
  await say("deadline", () => unary("slow", "", 500));
  await say("empty answer", () => unary("empty", "x"));
  await say("at once", async () => {
    // the native bindings stall where calls are made at once, between natives as well
    if (!ours) return undefined;
    const all = await Promise.all(Array.from({ length: 20 }, (_, n) => unary("upper", `a${n}`)));
    return all.every((text, n) => text === `A${n}`);
  });
  await say("long streams", async () => {
    const all = await streamStream("echo", many);
    return all.length === 100 && all.every((text, n) => text === many[n].toUpperCase());
  });
  await say("cancelled", async () => {
    if (!ours) return undefined;
    const seen = [];
    for await (const data of channel.callUnaryStream("svc", "count", bytes("500"))) {
      seen.push(words(data));
      if (seen.length === 3) break;
    }
    return [...seen, await unary("upper", "and on")];
  });
  await channel.closeAsync(5000);
  const group = ours
    ? rpc.Channel.newGroupWithConnection(app, servers, connection)
    : rpc.Channel.newGroupWithConnection(app, servers, connection);
  const { multicast } = callsOf(group);
  await say("group", async () => (await multicast("count", "2")).toSorted());
  await say("group order", async () => {
    const lines = await multicast("count", "50");
    return servers.length * 50 === lines.length;
  });
  await say("group failures", async () => (await multicast("nothing", "")).toSorted());
  await group.closeAsync(5000);
}

if (role === "serve") {
  const server = serve();
  server.serveAsync().catch((error) => console.error(error));
  await pause(300);
  console.log(JSON.stringify({ ready: true }));
  process.stdin.on("end", () => process.exit(0)).resume();
  globalThis.keep = [service, app, server];
} else {
  await call();
  process.exit(0);
}
