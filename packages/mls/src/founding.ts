import type { CipherSuite, CryptoProvider } from "@coterie/crypto";
import type { Group } from "./group.ts";
import type { PreSharedKey } from "./psk.ts";
import type { ResumptionUsage } from "./types.ts";

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
    secret: group.state.secrets.resumptionPsk.slice(),
  };
}
