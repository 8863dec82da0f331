// Unary calls and streamed messages per second on loopback, ours against @grpc/grpc-js in the same run.
// Client and server share the process, so the numbers are the cost of both ends on one core.
// Usage: node tools/bench/transport.mjs [--json] [--rounds 7]; needs `tsc -b packages/transport`.
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { createH2Server, createH2Transport } from "../../packages/transport/dist/h2.js";

const require = createRequire(new URL("../../packages/transport/package.json", import.meta.url));
const grpc = require("@grpc/grpc-js");

const { values: flags } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "7" },
    only: { type: "string" },
  },
});
const rounds = Number(flags.rounds);
const payload = Buffer.alloc(64, 7);
const sizes = { sequential: 2_000, concurrent: 10_000, lanes: 64, messages: 100_000, streams: 100 };

const echoPath = "/bench.Bench/Echo";
const flowPath = "/bench.Bench/Flow";

async function openOurs() {
  const server = await createH2Server({
    routes: new Map([
      [echoPath, { kind: "unary", handle: (request) => request }],
      [
        flowPath,
        {
          kind: "server-stream",
          async *handle(request) {
            const count = Buffer.from(request).readUInt32BE(0);
            for (let i = 0; i < count; i++) yield payload;
          },
        },
      ],
    ]),
  });
  const transport = createH2Transport({ url: server.url });
  return {
    unary: () => transport.unary(echoPath, payload),
    async stream(count) {
      let seen = 0;
      for await (const message of transport.serverStream(flowPath, countBytes(count))) {
        seen += message.length;
      }
      return seen;
    },
    async close() {
      await transport.close();
      await server.close({ graceMs: 0 });
    },
  };
}

async function openGrpcJs() {
  const same = (bytes) => bytes;
  const method = (path, responseStream) => ({
    path,
    requestStream: false,
    responseStream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  });
  const definition = { Echo: method(echoPath, false), Flow: method(flowPath, true) };
  const server = new grpc.Server();
  server.addService(definition, {
    Echo: (call, done) => done(null, call.request),
    Flow(call) {
      const count = call.request.readUInt32BE(0);
      let sent = 0;
      const more = () => {
        while (sent < count) {
          sent++;
          if (!call.write(payload)) {
            call.once("drain", more);
            return;
          }
        }
        call.end();
      };
      more();
    },
  });
  const port = await new Promise((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const Client = grpc.makeGenericClientConstructor(definition, "Bench");
  const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  return {
    unary: () =>
      new Promise((resolve, reject) =>
        client.Echo(payload, (error, answer) => (error ? reject(error) : resolve(answer))),
      ),
    async stream(count) {
      let seen = 0;
      for await (const message of client.Flow(countBytes(count))) seen += message.length;
      return seen;
    },
    async close() {
      client.close();
      server.forceShutdown();
    },
  };
}

function countBytes(count) {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(count);
  return out;
}

const measures = {
  async "unary, one at a time"(peer) {
    for (let i = 0; i < sizes.sequential; i++) await peer.unary();
    return sizes.sequential;
  },
  async [`unary, ${sizes.lanes} at a time`](peer) {
    let left = sizes.concurrent;
    const lane = async () => {
      while (left-- > 0) await peer.unary();
    };
    await Promise.all(Array.from({ length: sizes.lanes }, lane));
    return sizes.concurrent;
  },
  async "streamed messages, one stream"(peer) {
    const seen = await peer.stream(sizes.messages);
    if (seen !== sizes.messages * payload.length) throw new Error("messages were lost");
    return sizes.messages;
  },
  async [`streamed messages, ${sizes.streams} streams`](peer) {
    const each = sizes.messages / sizes.streams;
    await Promise.all(Array.from({ length: sizes.streams }, () => peer.stream(each)));
    return sizes.messages;
  },
};

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

const peers = { ours: await openOurs(), "grpc-js": await openGrpcJs() };
const results = [];
for (const [name, measure] of Object.entries(measures)) {
  const rates = { ours: [], "grpc-js": [] };
  // Round 0 warms up; the peers take turns so that a noisy moment hits both.
  for (let round = 0; round <= rounds; round++) {
    for (const [who, peer] of Object.entries(peers)) {
      if (flags.only !== undefined && flags.only !== who) continue;
      const start = performance.now();
      const count = await measure(peer);
      const rate = (count * 1000) / (performance.now() - start);
      if (round > 0) rates[who].push(rate);
    }
  }
  const ours = Math.round(median(rates.ours) ?? 0);
  const theirs = Math.round(median(rates["grpc-js"]) ?? 0);
  results.push({
    name,
    perSecond: { ours, "grpc-js": theirs },
    ratio: +(ours / theirs).toFixed(2),
  });
}
for (const peer of Object.values(peers)) await peer.close();

if (flags.json) {
  console.log(
    JSON.stringify({ payloadBytes: payload.length, rounds, node: process.version, results }),
  );
} else {
  for (const { name, perSecond, ratio } of results) {
    console.log(
      `${name.padEnd(34)} ours ${String(perSecond.ours).padStart(8)}/s   grpc-js ${String(perSecond["grpc-js"]).padStart(8)}/s   ×${ratio}`,
    );
  }
}
