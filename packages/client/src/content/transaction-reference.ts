import { toUtf8 } from "@coterie/base";
import { contentTypes } from "../engine/content.ts";
import type { ContentCodec } from "./codec.ts";
import { asObject, finite, optionalText, present, readJson, text } from "./read.ts";
import type { JsonObject } from "./read.ts";

export interface TransactionMetadata {
  readonly transactionType: string;
  readonly currency: string;
  readonly amount: number;
  readonly decimals: number;
  readonly fromAddress: string;
  readonly toAddress: string;
}

/** A transaction on a chain. What it claims is its sender's word; the chain knows. */
export interface TransactionReference {
  readonly namespace?: string | undefined;
  readonly networkId: string;
  /** The transaction's hash. */
  readonly reference: string;
  readonly metadata?: TransactionMetadata | undefined;
}

function metadataOf(from: JsonObject): TransactionMetadata {
  return {
    transactionType: text(from, "transactionType"),
    currency: text(from, "currency"),
    amount: finite(from, "amount"),
    decimals: finite(from, "decimals"),
    fromAddress: text(from, "fromAddress"),
    toAddress: text(from, "toAddress"),
  };
}

function ordered(value: TransactionReference): TransactionReference {
  const { namespace, networkId, reference, metadata } = value;
  return present({
    namespace,
    networkId,
    reference,
    metadata: metadata && metadataOf(metadata as unknown as JsonObject),
  });
}

export const transactionReferenceCodec: ContentCodec<TransactionReference> = {
  contentType: contentTypes.transactionReference,
  encode: (value) => ({
    type: contentTypes.transactionReference,
    parameters: {},
    fallback:
      value.reference === ""
        ? "Crypto transaction"
        : `[Crypto transaction] Use a blockchain explorer to learn more using the transaction hash: ${value.reference}`,
    content: toUtf8(JSON.stringify(ordered(value))),
  }),
  decode(content) {
    const from = readJson(content);
    const { metadata } = from;
    return present({
      namespace: optionalText(from, "namespace"),
      networkId: text(from, "networkId"),
      reference: text(from, "reference"),
      metadata:
        metadata === undefined || metadata === null
          ? undefined
          : metadataOf(asObject(metadata, "metadata")),
    });
  },
};
