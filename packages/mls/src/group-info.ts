import { labels } from "@coterie/crypto";
import type { CryptoProvider, KeyPair } from "@coterie/crypto";
import { encodeWith, Writer } from "./codec.ts";
import { signWithLabel, verifyWithLabel } from "./crypto-labels.ts";
import { remember } from "./encoded.ts";
import { MlsError } from "./errors.ts";
import type { EpochState } from "./group.ts";
import { externalKeyPair } from "./key-schedule.ts";
import { extensionTypes } from "./registry.ts";
import { encodeRatchetTree } from "./tree-codec.ts";
import type { Extension, GroupInfo, UnsignedGroupInfo } from "./types.ts";
import { groupContextBytes, groupInfoTbsBytes, writeGroupInfoTbs } from "./welcome-types.ts";

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
    const { publicKey, privateKey } = externalKeyPair(crypto, tree.suite, secrets.external);
    privateKey.fill(0);
    const data = encodeWith((w, key) => w.opaque(key), publicKey);
    extensions.push({ type: extensionTypes.externalPub, data });
  }
  const unsigned: UnsignedGroupInfo = {
    groupContext: state.context,
    extensions,
    confirmationTag: state.confirmationTag,
    signer: own.leafIndex,
  };
  const carried = extensions.reduce((sum, { data }) => sum + data.length, 0);
  const w = new Writer(groupContextBytes(state.context).length + carried + 512);
  writeGroupInfoTbs(w, unsigned);
  const label = labels.mlsSign.groupInfo;
  const signature = signWithLabel(crypto, tree.suite, signer.privateKey, label, w.view());
  w.opaque(signature);
  // With a tree in it, this is most of what adding somebody costs: it is written once, for the signature and for the Welcome.
  return remember({ ...unsigned, signature }, w.finish());
}

/** Throws `mls/bad-signature` unless the GroupInfo is signed by this key. */
export function checkGroupInfoSignature(
  crypto: CryptoProvider,
  suite: EpochState["tree"]["suite"],
  info: GroupInfo,
  signatureKey: Uint8Array,
): void {
  const content = groupInfoTbsBytes(info);
  const label = labels.mlsSign.groupInfo;
  if (!verifyWithLabel(crypto, suite, signatureKey, label, content, info.signature)) {
    throw new MlsError("mls/bad-signature", { what: "group-info" });
  }
}
