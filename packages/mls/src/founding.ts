import { equal } from "@coterie/base";
import type { CipherSuite, CryptoProvider } from "@coterie/crypto";
import { MlsError } from "./errors.ts";
import type { Group } from "./group.ts";
import type { PreSharedKey } from "./psk.ts";
import type { GroupInfo, GroupSecrets, ResumptionUsage } from "./types.ts";

/**
 * The resumption PSK of a group's current epoch under a fresh nonce, for a PreSharedKey proposal (RFC 9420 §8.6). With usage `reinit` or
 * `branch` it goes into the commit that founds a group (`founding`), whose suite is `cipherSuite`.
 */
export function resumptionPsk(input: {
  readonly crypto: CryptoProvider;
  readonly group: Group;
  readonly usage: ResumptionUsage;
  readonly cipherSuite?: CipherSuite;
}): PreSharedKey {
  const { crypto, group, usage, cipherSuite = group.suite } = input;
  return {
    id: {
      kind: "resumption",
      usage,
      groupId: group.groupId,
      epoch: group.epoch,
      nonce: crypto.bytes(cipherSuite.hashLength),
    },
    secret: new Uint8Array(group.state.secrets.resumptionPsk),
  };
}

type FoundingPsk = GroupSecrets["psks"][number] & { readonly kind: "resumption" };

/** RFC 9420 §12.4.3.1: at most one PSK says that the group was founded from another. */
export function foundingPsk({ psks }: GroupSecrets): FoundingPsk | undefined {
  const founding = psks.filter(
    (psk): psk is FoundingPsk => psk.kind === "resumption" && psk.usage !== "application",
  );
  if (founding.length > 1) throw new MlsError("mls/bad-founding", { why: "psks" });
  return founding[0];
}

/** RFC 9420 §11.2, §11.3: the new group is at its first epoch and is what was announced. Who its members are is for the judge. */
export function checkFounding(psk: FoundingPsk, info: GroupInfo, from: Group | undefined): void {
  const refuse = (why: string): MlsError => new MlsError("mls/bad-founding", { why });
  const { groupContext } = info;
  if (groupContext.epoch !== 1n) throw refuse("epoch");
  if (!from) return;
  if (!equal(psk.groupId, from.groupId) || psk.epoch !== from.epoch) throw refuse("group");
  if (psk.usage === "branch") {
    const { version, cipherSuite } = from.context;
    if (groupContext.version !== version) throw refuse("version");
    if (groupContext.cipherSuite !== cipherSuite) throw refuse("cipher-suite");
    return;
  }
  if (from.status.kind !== "reinit") throw refuse("not-reinitialized");
  const { reinit } = from.status;
  if (!equal(groupContext.groupId, reinit.groupId)) throw refuse("group-id");
  if (groupContext.version !== reinit.version) throw refuse("version");
  if (groupContext.cipherSuite !== reinit.cipherSuite) throw refuse("cipher-suite");
  const same =
    groupContext.extensions.length === reinit.extensions.length &&
    groupContext.extensions.every((extension, i) => {
      const wanted = reinit.extensions[i];
      return wanted?.type === extension.type && equal(wanted.data, extension.data);
    });
  if (!same) throw refuse("extensions");
}
