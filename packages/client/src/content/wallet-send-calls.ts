import { toUtf8 } from "@coterie/base";
import { contentTypes } from "../engine/content.ts";
import type { ContentCodec } from "./codec.ts";
import { asArray, asObject, optionalText, present, readJson, text, texts } from "./read.ts";
import type { JsonObject } from "./read.ts";

/** One call of EIP-5792. Numbers are hex texts. */
export interface WalletCall {
  readonly to?: string | undefined;
  readonly data?: string | undefined;
  readonly value?: string | undefined;
  readonly gas?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** Calls that the reader's wallet is asked to send. Show them to a person before anything is signed. */
export interface WalletSendCalls {
  readonly version: string;
  readonly chainId: string;
  readonly from: string;
  readonly calls: readonly WalletCall[];
  readonly capabilities?: Readonly<Record<string, string>> | undefined;
}

function callOf(from: JsonObject): WalletCall {
  const { metadata } = from;
  return present({
    to: optionalText(from, "to"),
    data: optionalText(from, "data"),
    value: optionalText(from, "value"),
    gas: optionalText(from, "gas"),
    metadata: metadata === undefined || metadata === null ? undefined : texts(metadata, "metadata"),
  });
}

function callsOf(from: JsonObject): WalletSendCalls {
  const { capabilities } = from;
  return present({
    version: text(from, "version"),
    chainId: text(from, "chainId"),
    from: text(from, "from"),
    calls: asArray(from["calls"], "calls").map((call) => callOf(asObject(call, "call"))),
    capabilities:
      capabilities === undefined || capabilities === null
        ? undefined
        : texts(capabilities, "capabilities"),
  });
}

export const walletSendCallsCodec: ContentCodec<WalletSendCalls> = {
  contentType: contentTypes.walletSendCalls,
  encode(value) {
    const json = JSON.stringify(callsOf(value as unknown as JsonObject));
    return {
      type: contentTypes.walletSendCalls,
      parameters: {},
      fallback: `[Transaction request generated]: ${json}`,
      content: toUtf8(json),
    };
  },
  decode: (content) => callsOf(readJson(content)),
};
