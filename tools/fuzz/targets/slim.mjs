// Inputs of SLIM: names, headers, tokens, frames of calls, and whole messages into the core of an app in the middle of its sessions.
import { generateKeyPairSync } from "node:crypto";
import { opensslProvider as crypto } from "../../../packages/crypto/src/openssl.ts";
import { encodeNegotiation, readNegotiation } from "../../../packages/dataplane/src/negotiation.ts";
import { installationFromSeed } from "../../../packages/identity/src/index.ts";
import * as identity from "../../../packages/identity/src/slim/index.ts";
import { nodeJwtEngine } from "../../../packages/identity/src/slim/jwt/node-engine.ts";
import * as jwt from "../../../packages/identity/src/slim/jwt/index.ts";
import { parseFrame, requestEnd, requestFrame } from "../../../packages/session/src/rpc/frame.ts";
import { createWorld, secret } from "../../../packages/session/test/world.ts";
import * as slim from "../../../packages/wire/src/slim/index.ts";

const utf8 = new TextEncoder();
const text = (bytes) => new TextDecoder().decode(bytes);
const clock = { nowNs: () => 1_800_000_000n * 1_000_000_000n };

const tokens = (() => {
  const engine = nodeJwtEngine;
  const shared = { crypto, clock, secret };
  const inboxId = "ab".repeat(32);
  const installation = installationFromSeed(crypto, new Uint8Array(32).fill(5));
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const [own, other] = [privateKey, publicKey].map((key) => ({
    jwk: key.export({ format: "jwk" }),
  }));
  const algorithm = "ES256";
  const signs = { crypto, clock, engine, algorithm, key: own, subject: "alice" };
  return {
    seeds: [
      identity.createSharedSecretIdentity({ ...shared, baseId: "agntcy/ns/alice" }).token(),
      identity.createInboxIdentity({ crypto, clock, inboxId, installation }).token(),
      jwt.createJwtIdentitySync(signs).token(),
    ].map((token) => utf8.encode(token)),
    verifiers: [
      identity.createSharedSecretVerifier(shared),
      identity.createInboxVerifier({ crypto, clock, lookup: async () => undefined }),
      jwt.createJwtVerifierSync({ crypto, clock, engine, keys: { algorithm, key: other } }),
    ],
  };
})();

/** Three apps in a group with MLS, one without and a pair, with a member removed: every message that they sent, and they themselves. */
function story() {
  const world = createWorld();
  const apps = ["alice", "bob", "carol"].map((name) => world.app(`agntcy/ns/${name}`));
  const [alice, bob, carol] = apps;
  const reliability = { intervalMs: 1_000, maxRetries: 5 };
  const mls = { headerIntegrityPercent: 100 };
  const passed = new Set();
  world.meddle(({ publish, metadata }) => {
    passed.add(slim.Message.encode({ metadata, messageType: { kind: "publish", value: publish } }));
  });
  for (const more of [{ mls }, {}]) {
    const { session } = alice.create({ reliability, ...more }, "agntcy/ns/chat");
    alice.invite(session, bob.name);
    alice.invite(session, carol.name);
    world.run(500);
    alice.publish(session, "hello");
    bob.publish(session, "hello", { to: alice.name });
    carol.softClose(session);
    world.run(500);
    carol.rejoin(session);
    world.run(500);
    if (more.mls === undefined) alice.remove(session, carol.name);
    world.run(12_000);
  }
  bob.create({ kind: "point-to-point", reliability, mls }, "agntcy/ns/carol");
  world.run(500);
  return { world, apps, seeds: [...passed] };
}

let stage = story();
let used = 0;
/** The same apps serve for a while: what an input did may matter to the next. */
function actors() {
  used += 1;
  if (used % 5_000 === 0) stage = story();
  return stage;
}
/** A core throws for bugs alone. */
function step(app, world, publish, metadata) {
  try {
    app.core.step({ kind: "received", publish, metadata, connection: 1n }, world.now);
    app.core.step({ kind: "tick" }, world.now);
  } catch (cause) {
    throw new Error("a step threw", { cause });
  }
}
function publishOf(bytes) {
  const { messageType, metadata } = slim.Message.decode(bytes);
  return messageType.kind === "publish" ? { publish: messageType.value, metadata } : undefined;
}

/** Of a few kinds each, in the order in which they came. */
const messages = (() => {
  const kept = new Map();
  for (const bytes of stage.seeds) {
    const type = publishOf(bytes)?.publish.session?.sessionMessageType ?? 0;
    const list = kept.get(type) ?? [];
    if (list.length < 3) kept.set(type, [...list, bytes]);
  }
  return [...kept.values()].flat();
})();

export const targets = [
  {
    name: "slim-name",
    seeds: [
      "agntcy/ns/alice",
      "a/b/c/NULL_COMPONENT",
      "a/b/c/b772ae0c-6931-ee8d-c513-0d062b1fedd9",
    ].map((name) => utf8.encode(name)),
    run(bytes) {
      const name = slim.parseSlimName(text(bytes));
      const again = slim.parseSlimName(slim.formatSlimName(name));
      if (!slim.sameSlimName(again, name)) throw new Error("a name reads as another");
      const wire = slim.Name.decode(slim.Name.encode(slim.encodeSlimName(name)));
      if (!slim.sameSlimName(slim.decodeSlimName(wire), name))
        throw new Error("a name travels as another");
    },
  },
  {
    name: "slim-header",
    seeds: messages,
    run(bytes) {
      const peeked = slim.peekSlimMessage(bytes);
      if (!("header" in peeked)) return;
      const head = bytes.subarray(peeked.header.start, peeked.header.end);
      const fields = slim.peekSlimHeader(head);
      slim.headerMacPreimage("link", head, fields, fields);
      const stamped = slim.restampSlimHeader(head, fields, { ttl: 3, mac: new Uint8Array(32) });
      const sent = slim.replaceSlimHeader(bytes, peeked, stamped);
      const { header } = slim.peekSlimMessage(sent);
      if (slim.peekSlimHeader(sent.subarray(header.start, header.end)).ttl !== 3) {
        throw new Error("a stamped header says something else");
      }
    },
  },
  {
    name: "slim-negotiation",
    seeds: [
      encodeNegotiation({
        linkId: "11111111-2222-4333-8444-555555555555",
        slimVersion: "2.2.0+ts.1",
        isReply: false,
        linkEcdhPublicKey: new Uint8Array(32).fill(1),
        connectionType: slim.LinkConnectionType.edge,
        nodeId: "n1",
        deploymentName: "",
      }),
    ],
    run(bytes) {
      const { linkEcdhPublicKey: key } = readNegotiation(bytes, { isReply: false, kemBytes: 1184 });
      crypto.dh("x25519", new Uint8Array(32).fill(2), key);
    },
  },
  {
    name: "slim-token",
    seeds: tokens.seeds,
    run(bytes) {
      const token = text(bytes);
      let refused;
      for (const verifier of tokens.verifiers) {
        void verifier.prepare?.(token);
        try {
          verifier.verify(token);
        } catch (error) {
          refused = error;
          if (error?.code !== "identity/bad-token") throw error;
        }
      }
      throw refused;
    },
  },
  {
    name: "slim-call",
    seeds: [
      requestFrame("1", utf8.encode("x"), {
        service: "s",
        method: "m",
        deadlineMs: 1e12,
        metadata: new Map(),
      }),
      requestEnd("1"),
    ].map(({ payload: blob, metadata }) => {
      const msg = { kind: "appPayload", value: { payloadType: "msg", blob } };
      return slim.Message.encode({ metadata, messageType: { kind: "publish", value: { msg } } });
    }),
    run(bytes) {
      const { publish, metadata } = publishOf(bytes) ?? {};
      if (publish?.msg?.kind !== "appPayload") return;
      const frame = parseFrame({ payload: publish.msg.value.blob, metadata }, { unixMs: 1e12 });
      const deadline = frame?.start?.deadlineMs;
      if (deadline !== undefined && !(deadline >= 0 && deadline <= 1e12 + 36_000_000)) {
        throw new Error(`a deadline at ${deadline}`);
      }
    },
  },
  {
    name: "slim-app",
    seeds: messages,
    run(bytes) {
      const { world, apps } = actors();
      const { publish, metadata } = publishOf(bytes) ?? {};
      if (publish === undefined) return;
      for (const app of apps) step(app, world, publish, metadata);
    },
  },
  {
    // what a member may say who signs it: the first two bytes choose who to whom
    name: "slim-app-signed",
    seeds: messages.flatMap((bytes) =>
      [0, 1, 2].map((who) => new Uint8Array([who, who + 1, ...bytes])),
    ),
    run(bytes) {
      const { world, apps } = actors();
      const [from, to] = [apps[(bytes[0] ?? 0) % 3], apps[(bytes[1] ?? 0) % 3]];
      const { publish, metadata } = publishOf(bytes.subarray(2)) ?? {};
      if (publish?.header === undefined || publish.session === undefined) return;
      const { identity: own } = from.parts;
      const header = {
        ...publish.header,
        source: slim.encodeSlimName(from.name),
        identity: own.token(),
      };
      const payloadType = publish.msg?.kind === "appPayload" ? publish.msg.value.payloadType : "";
      const aad = slim.headerIntegrityAad(header, publish.session, payloadType);
      const e2eHeaderSig = crypto.sign("p256", own.keys.privateKey, aad);
      step(to, world, { ...publish, header: { ...header, e2eHeaderSig } }, metadata);
    },
  },
];
