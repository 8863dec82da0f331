import {
  decodeState,
  parseCredential,
  parseUpdate,
  signatureText,
} from "../../../packages/identity/src/index.ts";
import {
  policySetFromMessage,
  policySetToMessage,
  defaultPolicy,
} from "../../../packages/policy/src/index.ts";
import * as wire from "../../../packages/wire/src/index.ts";
import * as slim from "../../../packages/wire/src/slim/index.ts";

const codecs = Object.entries({ ...wire, ...slim })
  .filter(([, value]) => typeof value?.decode === "function" && typeof value.encode === "function")
  .map(([, codec]) => codec);

/** The first byte chooses the message type. */
const wireSeeds = codecs.map((codec, i) => {
  let bytes = new Uint8Array(0);
  try {
    bytes = codec.encode(codec.create?.() ?? codec.decode(bytes));
  } catch {
    // A type with a required part: the mutations build it up.
  }
  return new Uint8Array([i, ...bytes]);
});

const address = `0x${"ab".repeat(20)}`;
const signature = { kind: "erc191", value: { bytes: new Uint8Array(65) } };
const update = {
  inboxId: "ab".repeat(32),
  clientTimestampNs: 1n,
  actions: [
    {
      kind: "createInbox",
      value: {
        initialIdentifier: address,
        nonce: 0n,
        initialIdentifierSignature: signature,
        initialIdentifierKind: 1,
      },
    },
  ],
};

export const targets = [
  {
    name: "wire",
    seeds: wireSeeds,
    run(bytes) {
      const codec = codecs[(bytes[0] ?? 0) % codecs.length];
      const value = codec.decode(bytes.slice(1));
      const again = codec.encode(value);
      if (codec.encode(codec.decode(again)).join() !== again.join()) {
        throw new Error(`${codec.name}: what was encoded decodes to something else`);
      }
    },
  },
  { name: "identity-state", seeds: [new Uint8Array(0)], run: (bytes) => void decodeState(bytes) },
  {
    name: "identity-credential",
    seeds: [wire.MlsCredential.encode({ inboxId: "ab".repeat(32) })],
    run: (bytes) => void parseCredential(bytes),
  },
  {
    name: "identity-update",
    seeds: [wire.IdentityUpdate.encode(update)],
    run: (bytes) => void signatureText(parseUpdate(wire.IdentityUpdate.decode(bytes))),
  },
  {
    name: "policy",
    seeds: [wire.PolicySet.encode(policySetToMessage(defaultPolicy))],
    run: (bytes) => void policySetFromMessage(wire.PolicySet.decode(bytes)),
  },
];
