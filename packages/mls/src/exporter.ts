import type { CryptoProvider } from "@coterie/crypto";
import { MlsError } from "./errors.ts";
import type { Group } from "./group.ts";
import { exportFrom } from "./key-schedule.ts";

/** MLS-Exporter (RFC 9420 §8.5): a secret of the current epoch for use outside of MLS. Throws `mls/inactive` once we were removed. */
export function exportSecret(input: {
  readonly crypto: CryptoProvider;
  readonly group: Group;
  readonly label: string;
  readonly context: Uint8Array;
  readonly length: number;
}): Uint8Array {
  const { crypto, group } = input;
  if (group.status.kind === "removed") {
    throw new MlsError("mls/inactive", { status: "removed" }, { disposition: "halt" });
  }
  return exportFrom(crypto, group.suite, group.state.secrets.exporter, input);
}
