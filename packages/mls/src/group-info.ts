import { labels } from "@coterie/crypto";
import type { CryptoProvider, KeyPair } from "@coterie/crypto";
import { encodeWith } from "./codec.ts";
import { labelledWith } from "./crypto-labels.ts";
import { MlsError } from "./errors.ts";
import type { EpochState } from "./group.ts";
import { externalKeyPair } from "./key-schedule.ts";
import { extensionTypes } from "./registry.ts";
import { encodeRatchetTree } from "./tree-codec.ts";
import type { Extension, GroupInfo, UnsignedGroupInfo } from "./types.ts";
import { writeGroupInfoTbs } from "./welcome-types.ts";

export interface GroupInfoChoices {
  /** Carry the whole tree, so that a joiner needs nothing else. */
  readonly ratchetTree: boolean;
  /** Carry `external_pub`, so that anybody who holds this can join by an external commit. */
  readonly externalPub: boolean;
}

/** Signs what a newcomer needs to know of an epoch (RFC 9420 §12.4.3). */
export function signGroupInfo(
  crypto: CryptoProvider,
  state: EpochState,
  signer: KeyPair,
  choices: GroupInfoChoices,
): GroupInfo {
  const { tree, own, secrets } = state;
  const extensions: Extension[] = [];
  if (choices.ratchetTree) {
    extensions.push({ type: extensionTypes.ratchetTree, data: encodeRatchetTree(tree) });
  }
  if (choices.externalPub) {
    // RFC 9420 §12.4.3.2: the extension holds an HPKEPublicKey, which brings its own length.
    const { publicKey } = externalKeyPair(crypto, tree.suite, secrets.external);
    const data = encodeWith((w, key) => w.opaque(key), publicKey);
    extensions.push({ type: extensionTypes.externalPub, data });
  }
  const unsigned: UnsignedGroupInfo = {
    groupContext: state.context,
    extensions,
    confirmationTag: state.confirmationTag,
    signer: own.leafIndex,
  };
  const content = labelledWith(labels.mlsSign.groupInfo, writeGroupInfoTbs, unsigned);
  const signature = crypto.sign(tree.suite.signature, signer.privateKey, content);
  return { ...unsigned, signature };
}

/** Throws `mls/bad-signature` unless the GroupInfo is signed by this key. */
export function checkGroupInfoSignature(
  crypto: CryptoProvider,
  suite: EpochState["tree"]["suite"],
  info: GroupInfo,
  signatureKey: Uint8Array,
): void {
  const content = labelledWith(labels.mlsSign.groupInfo, writeGroupInfoTbs, info);
  if (!crypto.verify(suite.signature, signatureKey, content, info.signature)) {
    throw new MlsError("mls/bad-signature", { what: "group-info" });
  }
}
