// A member without manners: it knows the secret, signs what it likes with a key of its own, and is let into sessions without MLS.
import { createOpensslProvider } from "../../packages/crypto/dist/openssl.js";
import { createSharedSecretIdentity } from "../../packages/identity/dist/slim/index.js";
import {
  encodeSlimName,
  headerIntegrityAad,
  Message,
  parseSlimName,
  SessionMessageType,
  slimAppId,
} from "../../packages/wire/dist/slim/index.js";
import { connect, frame } from "../../tools/bench/slim/wire.mjs";

const crypto = createOpensslProvider();
const clock = { nowNs: () => BigInt(Date.now()) * 1_000_000n };
const sharedSecret = "0123456789abcdef0123456789abcdef";
let links = 0;

/** The wire's name of an app by its token id or its `org/ns/app/uuid`. */
export const wireName = (text) => encodeSlimName(parseSlimName(text));

/** `org/ns/app/uuid` */
function textOf({ name, strName }) {
  const { id0, id1 } = name.nameId;
  const hex = [id0, id1].map((half) => half.toString(16).padStart(16, "0")).join("");
  const uuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return [strName.strComponent0, strName.strComponent1, strName.strComponent2, uuid].join("/");
}

export async function openForger({ url, name, secret = sharedSecret }) {
  links += 1;
  const link = await connect(url, `forger-${links}-${Date.now()}`);
  const identity = createSharedSecretIdentity({ crypto, clock, secret, baseId: name });
  const own = { ...parseSlimName(name), id: slimAppId(identity.tokenId) };
  const self = encodeSlimName(own);
  const known = { session: undefined, moderator: undefined, data: undefined, control: undefined };
  let numbers = 1000;

  const send = (header, session, msg) => {
    const full = { source: self, identity: identity.token(), version: "2.2.0", ttl: 8, ...header };
    const kind = { kind: "publish", value: { header: full, session, msg } };
    link.stream.write(frame(link.stamped(kind)));
  };
  /** Signs and sends a command. `source` may be somebody else's name; the key is always its own. */
  const command = (type, destination, value, more = {}) => {
    numbers += 1;
    const { fanout = 1, source = self, messageId = numbers, sessionId = known.session } = more;
    const session = {
      sessionType: 2,
      sessionMessageType: SessionMessageType[type],
      sessionId,
      messageId,
    };
    const header = { source, destination, fanout, identity: identity.token() };
    const signed = headerIntegrityAad(header, session, "");
    const e2eHeaderSig = crypto.sign("p256", identity.keys.privateKey, signed);
    const payload = { kind: type, value };
    send({ ...header, e2eHeaderSig }, session, { kind: "commandPayload", value: payload });
  };
  const subscribe = async (text) => {
    await link.subscribe(text);
    link.hear(take);
  };

  const subscribeAll = async (names) => {
    for (const name of names) await subscribe(textOf(name));
  };

  const answers = {
    discoveryRequest: (header) => ["discoveryReply", header.source, {}],
    joinRequest(header, payload) {
      known.moderator = header.source;
      known.data = payload.channel;
      known.control = payload.control;
      const settings = { sendsData: true, receivesData: true };
      return ["joinReply", header.source, { participant: { name: self, settings, status: 0 } }];
    },
    groupWelcome: (header) => ["groupAck", header.source, {}],
    groupUpdate: (header) => ["groupAck", header.source, {}],
  };
  function take(bytes) {
    const { messageType } = Message.decode(bytes);
    if (messageType.kind !== "publish") return;
    const { header, session, msg } = messageType.value;
    if (msg.kind === "commandPayload") {
      const { kind, value } = msg.value;
      if (kind === "discoveryRequest" || kind === "joinRequest") known.session = session.sessionId;
      const answer = answers[kind]?.(header, value);
      if (answer === undefined) return;
      const reply = () => command(...answer, { messageId: session.messageId });
      if (kind !== "groupWelcome") reply();
      else void Promise.resolve([known.data, known.control]).then(subscribeAll).then(reply);
    } else if (session.sessionMessageType === SessionMessageType.msg) {
      const acked = { ...session, sessionMessageType: SessionMessageType.msgAck };
      const empty = { payloadType: "", blob: new Uint8Array(0) };
      send({ destination: header.source, fanout: 1 }, acked, { kind: "appPayload", value: empty });
    }
  }

  await subscribe(textOf(self));
  return {
    app: { name },
    self,
    known,
    command,
    /** Data for the group in the name of `source`, with its own token. */
    say(words, { source = self, messageId = 1, token = identity.token() } = {}) {
      const session = {
        sessionType: 2,
        sessionMessageType: 1,
        sessionId: known.session,
        messageId,
      };
      const blob = new TextEncoder().encode(words);
      send({ source, identity: token, destination: known.data, fanout: 256 }, session, {
        kind: "appPayload",
        value: { payloadType: "msg", blob },
      });
    },
    /** What is no message of the data plane, and one whose MAC is wrong. */
    sayNonsense() {
      link.stream.write(frame(new Uint8Array([0xff, 0xff, 0x01])));
      const header = {
        source: self,
        destination: known.data,
        fanout: 256,
        identity: "",
        version: "",
        ttl: 8,
      };
      const wrong = { ...header, headerMac: new Uint8Array(32) };
      const session = {
        sessionType: 2,
        sessionMessageType: 1,
        sessionId: known.session,
        messageId: 9,
      };
      const msg = { kind: "appPayload", value: { payloadType: "msg", blob: new Uint8Array(4) } };
      const messageType = { kind: "publish", value: { header: wrong, session, msg } };
      link.stream.write(frame(Message.encode({ metadata: new Map(), messageType })));
    },
    end: () => link.session.destroy(),
  };
}
