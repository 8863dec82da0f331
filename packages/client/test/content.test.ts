import { fromUtf8, toHex, toUtf8 } from "@coterie/base";
import { opensslProvider } from "@coterie/crypto/openssl";
import { nobleProvider } from "@coterie/crypto/noble";
import { LeaveRequest } from "@coterie/wire";
import { expect, test } from "vitest";
import { actionsCodec } from "../src/content/actions.ts";
import { attachmentCodec } from "../src/content/attachment.ts";
import type { ContentCodec } from "../src/content/codec.ts";
import {
  contentTypeFromString,
  contentTypeToString,
  contentTypesAreEqual,
  decodeContent,
  encodeContent,
} from "../src/content/encoded-content.ts";
import { encodeText } from "../src/content/encode.ts";
import { decryptAttachment, encryptAttachment } from "../src/content/encrypt-attachment.ts";
import {
  deleteMessageCodec,
  groupUpdatedCodec,
  leaveRequestCodec,
} from "../src/content/group-messages.ts";
import { intentCodec } from "../src/content/intent.ts";
import { multiRemoteAttachmentCodec } from "../src/content/multi-remote-attachment.ts";
import { reactionCodec, reactionV1Codec } from "../src/content/reaction.ts";
import { readReceiptCodec } from "../src/content/read-receipt.ts";
import { remoteAttachmentCodec } from "../src/content/remote-attachment.ts";
import { builtInCodecs, findCodec } from "../src/content/registry.ts";
import { replyCodec } from "../src/content/reply.ts";
import { markdownCodec, textCodec } from "../src/content/text.ts";
import { transactionReferenceCodec } from "../src/content/transaction-reference.ts";
import { walletSendCallsCodec } from "../src/content/wallet-send-calls.ts";
import { pushesByDefault } from "../src/engine/content.ts";
import { ClientError } from "../src/errors.ts";

const id = "ab".repeat(32);
const inbox = "cd".repeat(32);
const remote = {
  url: "https://x.y/z",
  contentDigest: id,
  secret: new Uint8Array(32).fill(1),
  salt: new Uint8Array(32).fill(2),
  nonce: new Uint8Array(12).fill(3),
  scheme: "https",
  contentLength: 123,
  filename: "a.txt",
};
const { contentLength: _, filename: __, ...bareRemote } = remote;

interface Sample {
  readonly name: string;
  readonly codec: ContentCodec;
  readonly value: unknown;
  /** As the released SDK writes them. */
  readonly typeId: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly fallback?: string;
  /** Text, or `hex:`. */
  readonly content: string;
  readonly pushes: boolean;
}

const sample = <T>(codec: ContentCodec<T>, value: T, more: Omit<Sample, "codec" | "value">) =>
  ({ codec: codec as ContentCodec, value, ...more }) satisfies Sample;

const samples: readonly Sample[] = [
  sample(textCodec, "hello", {
    name: "text",
    typeId: "xmtp.org/text:1.0",
    parameters: { encoding: "UTF-8" },
    content: "hello",
    pushes: true,
  }),
  sample(markdownCodec, "# hi", {
    name: "markdown",
    typeId: "xmtp.org/markdown:1.0",
    parameters: { encoding: "UTF-8" },
    content: "# hi",
    pushes: true,
  }),
  sample(
    reactionCodec,
    { reference: id, referenceInboxId: inbox, action: 1, content: "👍", schema: 1 },
    {
      name: "reaction",
      typeId: "xmtp.org/reaction:2.0",
      fallback: 'Reacted with "👍" to an earlier message',
      content: `\n@${id}\x12@${inbox}\x18\x01"\x04👍(\x01`,
      pushes: false,
    },
  ),
  sample(
    reactionCodec,
    { reference: id, referenceInboxId: inbox, action: 2, content: "👍", schema: 1 },
    {
      name: "reaction taken back",
      typeId: "xmtp.org/reaction:2.0",
      fallback: 'Removed "👍" from an earlier message',
      content: `\n@${id}\x12@${inbox}\x18\x02"\x04👍(\x01`,
      pushes: false,
    },
  ),
  sample(
    replyCodec,
    { content: encodeText("re"), reference: id, referenceInboxId: inbox },
    {
      name: "reply",
      typeId: "xmtp.org/reply:1.0",
      parameters: { reference: id, contentType: "xmtp.org/text:1.0", referenceInboxId: inbox },
      fallback: 'Replied with "re" to an earlier message',
      content: `hex:${toHex(encodeContent(encodeText("re")))}`,
      pushes: true,
    },
  ),
  sample(
    replyCodec,
    { content: markdownCodec.encode("re"), reference: id },
    {
      name: "reply with something else",
      typeId: "xmtp.org/reply:1.0",
      parameters: { reference: id, contentType: "xmtp.org/markdown:1.0" },
      fallback: "Replied to an earlier message",
      content: `hex:${toHex(encodeContent(markdownCodec.encode("re")))}`,
      pushes: true,
    },
  ),
  sample(
    readReceiptCodec,
    {},
    { name: "read receipt", typeId: "xmtp.org/readReceipt:1.0", content: "", pushes: false },
  ),
  sample(
    attachmentCodec,
    { filename: "a.txt", mimeType: "text/plain", content: Uint8Array.of(1, 2, 3) },
    {
      name: "attachment",
      typeId: "xmtp.org/attachment:1.0",
      parameters: { mimeType: "text/plain", filename: "a.txt" },
      fallback: "Can't display a.txt. This app doesn't support attachments.",
      content: "hex:010203",
      pushes: true,
    },
  ),
  sample(
    attachmentCodec,
    { mimeType: "text/plain", content: Uint8Array.of(1) },
    {
      name: "attachment without a name",
      typeId: "xmtp.org/attachment:1.0",
      parameters: { mimeType: "text/plain" },
      fallback: "Can't display this content. This app doesn't support attachments.",
      content: "hex:01",
      pushes: true,
    },
  ),
  sample(remoteAttachmentCodec, remote, {
    name: "remote attachment",
    typeId: "xmtp.org/remoteStaticAttachment:1.0",
    parameters: {
      contentDigest: id,
      salt: "02".repeat(32),
      nonce: "03".repeat(12),
      secret: "01".repeat(32),
      scheme: "https",
      contentLength: "123",
      filename: "a.txt",
    },
    fallback: "Can't display a.txt. This app doesn't support remote attachments.",
    content: "https://x.y/z",
    pushes: true,
  }),
  sample(
    multiRemoteAttachmentCodec,
    { attachments: [remote, bareRemote] },
    {
      name: "remote attachments",
      typeId: "xmtp.org/multiRemoteStaticAttachment:1.0",
      fallback: "Can't display this content. This app doesn't support multiple remote attachments.",
      content: `hex:${["7b", ""]
        .map((length) => {
          const body =
            `0a40${toHex(toUtf8(id))}1220${"01".repeat(32)}1a0c${"03".repeat(12)}2220${"02".repeat(32)}` +
            `2a05${toHex(toUtf8("https"))}320d${toHex(toUtf8("https://x.y/z"))}` +
            (length ? `387b4205${toHex(toUtf8("a.txt"))}` : "");
          return `0a${length ? "b301" : "aa01"}${body}`;
        })
        .join("")}`,
      pushes: true,
    },
  ),
  sample(
    transactionReferenceCodec,
    {
      namespace: "eip155",
      networkId: "1",
      reference: "0xabc",
      metadata: {
        transactionType: "transfer",
        currency: "USDC",
        amount: 0.5,
        decimals: 6,
        fromAddress: "0xf",
        toAddress: "0xt",
      },
    },
    {
      name: "transaction reference",
      typeId: "xmtp.org/transactionReference:1.0",
      fallback:
        "[Crypto transaction] Use a blockchain explorer to learn more using the transaction hash: 0xabc",
      content:
        '{"namespace":"eip155","networkId":"1","reference":"0xabc","metadata":{"transactionType":"transfer","currency":"USDC","amount":0.5,"decimals":6,"fromAddress":"0xf","toAddress":"0xt"}}',
      pushes: true,
    },
  ),
  sample(
    transactionReferenceCodec,
    { networkId: "1", reference: "" },
    {
      name: "transaction reference without a hash",
      typeId: "xmtp.org/transactionReference:1.0",
      fallback: "Crypto transaction",
      content: '{"networkId":"1","reference":""}',
      pushes: true,
    },
  ),
  sample(
    walletSendCallsCodec,
    {
      version: "1.0",
      chainId: "0x1",
      from: "0xf",
      calls: [
        { to: "0xt", data: "0x", value: "0x1", gas: "0x2", metadata: { description: "d" } },
        {},
      ],
      capabilities: { a: "b" },
    },
    {
      name: "wallet calls",
      typeId: "xmtp.org/walletSendCalls:1.0",
      fallback:
        '[Transaction request generated]: {"version":"1.0","chainId":"0x1","from":"0xf","calls":[{"to":"0xt","data":"0x","value":"0x1","gas":"0x2","metadata":{"description":"d"}},{}],"capabilities":{"a":"b"}}',
      content:
        '{"version":"1.0","chainId":"0x1","from":"0xf","calls":[{"to":"0xt","data":"0x","value":"0x1","gas":"0x2","metadata":{"description":"d"}},{}],"capabilities":{"a":"b"}}',
      pushes: true,
    },
  ),
  sample(
    actionsCodec,
    {
      id: "i",
      description: "Pick",
      actions: [
        {
          id: "a",
          label: "A",
          imageUrl: "https://i",
          style: 0,
          expiresAtNs: 1_700_000_000_123_000_000n,
        },
        { id: "b", label: "B", style: 1 },
        { id: "c", label: "C", style: 2 },
        { id: "d", label: "D" },
      ],
      expiresAtNs: 1_700_000_000_000_000_000n,
    },
    {
      name: "actions",
      typeId: "coinbase.com/actions:1.0",
      fallback: "Pick\n\n[1] A\n[2] B\n[3] C\n[4] D\n\nReply with the number to select",
      content:
        '{"id":"i","description":"Pick","actions":[{"id":"a","label":"A","imageUrl":"https://i","style":"primary","expiresAt":"2023-11-14T22:13:20.123Z"},{"id":"b","label":"B","style":"secondary"},{"id":"c","label":"C","style":"danger"},{"id":"d","label":"D"}],"expiresAt":"2023-11-14T22:13:20.000Z"}',
      pushes: true,
    },
  ),
  sample(
    intentCodec,
    { id: "i", actionId: "a", metadata: { k: "v", n: 1, o: { x: null } } },
    {
      name: "intent",
      typeId: "coinbase.com/intent:1.0",
      fallback: "User selected action: a",
      content: '{"id":"i","actionId":"a","metadata":{"k":"v","n":1,"o":{"x":null}}}',
      pushes: true,
    },
  ),
  sample(
    leaveRequestCodec,
    {},
    { name: "leave request", typeId: "xmtp.org/leave_request:1.0", content: "", pushes: false },
  ),
  sample(leaveRequestCodec, LeaveRequest.create({ authenticatedNote: Uint8Array.of(7) }), {
    name: "leave request with a note",
    typeId: "xmtp.org/leave_request:1.0",
    content: "hex:0a0107",
    pushes: false,
  }),
  sample(
    deleteMessageCodec,
    { messageId: id },
    {
      name: "deletion",
      typeId: "xmtp.org/deleteMessage:1.0",
      content: `hex:0a40${toHex(toUtf8(id))}`,
      pushes: false,
    },
  ),
];

const bytesOf = (text: string): string =>
  text.startsWith("hex:") ? text.slice(4) : toHex(toUtf8(text));

for (const one of samples) {
  test(`7.3: ${one.name} is written as released clients write it, and read back`, () => {
    const encoded = one.codec.encode(one.value);
    expect(contentTypeToString(encoded.type as never)).toBe(one.typeId);
    expect(encoded.parameters).toEqual(one.parameters ?? {});
    expect(encoded.fallback).toBe(one.fallback);
    expect(encoded.compression).toBeUndefined();
    expect(toHex(encoded.content)).toBe(bytesOf(one.content));
    expect(pushesByDefault(encoded.type)).toBe(one.pushes);
    expect(one.codec.shouldPush?.(one.value) ?? true).toBe(one.pushes);
    expect(findCodec([], encoded.type)).toBe(one.codec);
    const read = decodeContent(encodeContent(encoded));
    expect(one.codec.decode(read)).toEqual(one.value);
  });

  test(`7.3: ${one.name} cut short or changed is a value or bad content, never another error`, () => {
    const whole = encodeContent(one.codec.encode(one.value));
    for (let length = 0; length < whole.length; length++)
      tryRead(whole.slice(0, length), one.codec);
    let seed = 0x2545f491;
    const next = (below: number): number => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    for (let round = 0; round < 1_000; round++) {
      const changed = whole.slice();
      for (let n = 0; n <= next(3); n++) changed[next(changed.length)] = next(256);
      tryRead(changed, one.codec);
    }
  });
}

function tryRead(bytes: Uint8Array, codec: ContentCodec): void {
  try {
    codec.decode(decodeContent(bytes));
  } catch (error) {
    expect(error).toBeInstanceOf(ClientError);
    expect((error as ClientError).code).toBe("client/bad-content");
  }
}

const jsonOf = (type: ContentCodec["contentType"], value: unknown) => ({
  type,
  parameters: {},
  content: toUtf8(typeof value === "string" ? value : JSON.stringify(value)),
});

test("7.3: a reaction of version 1 is read like one of version 2", () => {
  const content = jsonOf(reactionV1Codec.contentType, {
    action: "removed",
    reference: id,
    schema: "shortcode",
    content: ":wave:",
  });
  expect(findCodec([], content.type)).toBe(reactionV1Codec);
  expect(reactionV1Codec.decode(content)).toEqual({
    reference: id,
    referenceInboxId: "",
    action: 2,
    content: ":wave:",
    schema: 2,
  });
  const odd = { action: "constructor", reference: id, schema: "__proto__", content: "" };
  expect(reactionV1Codec.decode(jsonOf(content.type, odd))).toMatchObject({ action: 0, schema: 0 });
});

test("7.3: limits of actions and intents hold for writers and for readers", () => {
  const action = (n: number) => ({ id: `a${n}`, label: "A" });
  const actions = (count: number) => ({
    id: "i",
    description: "d",
    actions: Array.from({ length: count }, (_item, n) => action(n)),
  });
  const bad = expect.objectContaining({ code: "client/bad-content" });
  for (const value of [
    actions(0),
    actions(11),
    { ...actions(1), actions: [action(1), action(1)] },
  ]) {
    expect(() => actionsCodec.encode(value)).toThrow(bad as never);
    expect(() => actionsCodec.decode(jsonOf(actionsCodec.contentType, value))).toThrow(
      bad as never,
    );
  }
  expect(actionsCodec.encode(actions(10)).content.length).toBeGreaterThan(0);
  const intent = (size: number) => ({ id: "i", actionId: "a", metadata: { k: "v".repeat(size) } });
  expect(intentCodec.encode(intent(10_232)).content.length).toBeGreaterThan(0);
  expect(() => intentCodec.encode(intent(10_233))).toThrow(bad as never);
  expect(() => intentCodec.decode(jsonOf(intentCodec.contentType, intent(10_233)))).toThrow(
    bad as never,
  );
});

test("7.3: JSON of another shape is bad content", () => {
  const bad = expect.objectContaining({ code: "client/bad-content" });
  const json = [transactionReferenceCodec, walletSendCallsCodec, actionsCodec, intentCodec];
  for (const codec of json as readonly ContentCodec[]) {
    for (const value of [
      "",
      "null",
      "[]",
      "1",
      "{}",
      '{"id":1,"actions":{}}',
      "{",
      '{"calls":[null]}',
    ]) {
      expect(() => codec.decode(jsonOf(codec.contentType, value))).toThrow(bad as never);
    }
  }
});

test("7.3: parameters with names of object parts are only parameters", () => {
  const content = {
    type: textCodec.contentType,
    parameters: Object.fromEntries([
      ["__proto__", "x"],
      ["constructor", "y"],
    ]),
    content: toUtf8("t"),
  };
  const read = decodeContent(encodeContent(content));
  expect(Object.hasOwn(read.parameters, "__proto__")).toBe(true);
  expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  expect(textCodec.decode(read)).toBe("t");
  expect(() => attachmentCodec.decode({ ...read, type: attachmentCodec.contentType })).toThrow();
});

test("content types are one text, and read back; custom codecs come first and by major version", () => {
  for (const { contentType } of builtInCodecs) {
    const text = contentTypeToString(contentType);
    expect(contentTypesAreEqual(contentTypeFromString(text), contentType)).toBe(true);
  }
  for (const text of ["", "a", "a/b", "a/b:1", "/b:1.0", "a/b:1.x"]) {
    expect(() => contentTypeFromString(text)).toThrow();
  }
  const own: ContentCodec<string> = { ...textCodec, decode: () => "mine" };
  expect(findCodec([own], textCodec.contentType)).toBe(own);
  expect(findCodec([], { ...textCodec.contentType, versionMinor: 7 })).toBe(textCodec);
  expect(findCodec([], { ...textCodec.contentType, versionMajor: 2 })).toBeUndefined();
  expect(findCodec([], undefined)).toBeUndefined();
  expect(findCodec([], groupUpdatedCodec.contentType)).toBe(groupUpdatedCodec);
});

for (const crypto of [opensslProvider, nobleProvider]) {
  test(`7.3: a remote attachment opens with what its message says, and with nothing else (${crypto.name})`, () => {
    const file = { filename: "a.txt", mimeType: "text/plain", content: toUtf8("the file") };
    const { payload, ...rest } = encryptAttachment(file, crypto);
    const message = { ...rest, url: "https://x", scheme: "https" };
    expect(rest.contentLength).toBe(payload.length);
    expect(decryptAttachment(payload, message, crypto)).toEqual(file);
    const sent = remoteAttachmentCodec.decode(
      decodeContent(encodeContent(remoteAttachmentCodec.encode(message))),
    );
    expect(decryptAttachment(payload, sent, crypto)).toEqual(file);

    const changed = payload.map((byte, i) => (i === 5 ? byte ^ 1 : byte));
    const code = (work: () => unknown): unknown => {
      try {
        return work();
      } catch (error) {
        return (error as ClientError).code;
      }
    };
    expect(code(() => decryptAttachment(changed, message, crypto))).toBe("client/bad-content");
    const digest = toHex(crypto.hash("sha256", changed));
    expect(
      code(() => decryptAttachment(changed, { ...message, contentDigest: digest }, crypto)),
    ).toBe("crypto/open-failed");
    const other = { ...message, secret: new Uint8Array(32) };
    expect(code(() => decryptAttachment(payload, other, crypto))).toBe("crypto/open-failed");
    for (const wrong of [{ nonce: new Uint8Array(3) }, { contentDigest: "zz" }]) {
      expect(code(() => decryptAttachment(payload, { ...message, ...wrong }, crypto))).toBe(
        "client/bad-content",
      );
    }
  });
}

test("7.3: a remote attachment of a released client opens", () => {
  const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
  const payload = hex(
    "fc99103fc24021a282715742b99b89198400c4c2012303a46ac082a1cd5d1681faa908a1940fe9588e99cb4ef2207cb9e64be0a47ec422f10c8b4243acff04de399649f453f6682ac417f87171749a6c6912f5a21c23886491752b63351e8ef5bf4416cd6126333d560bdbc568b2b4de96acf3dafb400980807ce602813c3d3dd2ad5a0e2472685de6dcdfed7ffaff99c4beef1c8225",
  );
  const file = decryptAttachment(
    payload,
    {
      url: "https://x",
      scheme: "https",
      contentDigest: "47bf52d01d11fbc62e73d255b11adfde80e636f3171d2cf969d0782678bff222",
      secret: hex("a96a7e3dc124d875febbc20c28c1f8afc9270de4f25d36757b5f7ba201ac91dc"),
      salt: hex("fba4f63b91a8010d1d4f7a480bbfef5cabdccb2fab714a22a73d1aea9ceca2a8"),
      nonce: hex("bfdb74c7b298b57bbbddf6e2"),
    },
    opensslProvider,
  );
  expect(file).toEqual({
    filename: "a.txt",
    mimeType: "text/plain",
    content: Uint8Array.of(1, 2, 3),
  });
  expect(fromUtf8(toUtf8(file.mimeType))).toBe("text/plain");
});
