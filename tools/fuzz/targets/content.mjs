import { isDeepStrictEqual } from "node:util";
import {
  decodeContent,
  encodeContent,
} from "../../../packages/client/src/content/encoded-content.ts";
import { referenceOf } from "../../../packages/client/src/content/reference.ts";
import { builtInCodecs } from "../../../packages/client/src/content/registry.ts";
import { readPins, withPin } from "../../../packages/client/src/engine/pins.ts";

const id = "ab".repeat(32);
const remote = {
  url: "https://x.y/z",
  contentDigest: id,
  secret: new Uint8Array(32),
  salt: new Uint8Array(32),
  nonce: new Uint8Array(12),
  scheme: "https",
  contentLength: 1,
  filename: "a",
};
const text = { type: builtInCodecs[0].contentType, parameters: {}, content: new Uint8Array(2) };
/** A value that many codecs can write something of. */
const value = {
  ...remote,
  reference: id,
  referenceInboxId: id,
  action: 1,
  schema: 1,
  mimeType: "a/b",
  attachments: [remote],
  networkId: "1",
  version: "1",
  chainId: "1",
  from: "0x",
  calls: [{ to: "0x", metadata: { description: "d" } }],
  id: "i",
  description: "d",
  actions: [{ id: "a", label: "A", style: 1, expiresAtNs: 1_000_000n }],
  actionId: "a",
  messageId: id,
};

/** The first byte chooses the codec: the type that content names is not asked, so that every input reaches one. */
const seeds = builtInCodecs.flatMap((codec, i) =>
  [value, { ...value, content: "c" }, { ...value, content: text }, "a text"].flatMap((given) => {
    try {
      return [new Uint8Array([i, ...encodeContent(codec.encode(given))])];
    } catch {
      return [];
    }
  }),
);

export const targets = [
  {
    name: "content",
    seeds,
    run(bytes) {
      const codec = builtInCodecs[(bytes[0] ?? 0) % builtInCodecs.length];
      const content = decodeContent(bytes.slice(1));
      referenceOf(codec.contentType, bytes.slice(1));
      const read = codec.decode(content);
      // Version 1 of reactions is read only.
      if (codec.contentType.typeId === "reaction" && codec.contentType.versionMajor === 1) return;
      const again = codec.decode(decodeContent(encodeContent(codec.encode(read))));
      if (!isDeepStrictEqual(again, read)) {
        throw new Error(`${codec.contentType.typeId}: what was written is read as something else`);
      }
    },
  },
  {
    name: "pins",
    seeds: ["", "{}", `{"pins":["${id}"],"a":1.50,"b":{"c":[null]}}`, "words", "3"].map((each) =>
      new TextEncoder().encode(each),
    ),
    run(bytes) {
      const appData = new TextDecoder().decode(bytes);
      const before = readPins(appData);
      const pinned = withPin(appData, id, true);
      if (readPins(pinned)[0] !== id) throw new Error("a pin is not in front");
      const rest = readPins(withPin(pinned, id, false));
      const wanted = before.filter((each) => each !== id);
      if (rest.join() !== wanted.slice(0, rest.length).join()) throw new Error("other pins moved");
    },
  },
];
