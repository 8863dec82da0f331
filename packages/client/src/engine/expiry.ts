import type { GroupRecord, MutableMetadata } from "./state.ts";

export const disappearFromKey = "message_disappear_from_ns";
export const disappearInKey = "message_disappear_in_ns";

export interface DisappearingSettings {
  readonly fromNs: bigint;
  readonly inNs: bigint;
}

function parse(text: string | undefined): bigint {
  return text !== undefined && /^-?\d{1,19}$/.test(text) ? BigInt(text) : 0n;
}

/** XDS-01: the settings, or undefined unless both values are integers above zero. */
export function disappearingSettings(metadata: MutableMetadata): DisappearingSettings | undefined {
  const fromNs = parse(metadata.attributes.get(disappearFromKey));
  const inNs = parse(metadata.attributes.get(disappearInKey));
  return fromNs > 0n && inNs > 0n ? { fromNs, inNs } : undefined;
}

/** XDS-03: when a message that is received or confirmed now will disappear. */
export function expiryOf(record: GroupRecord, nowNs: bigint): bigint | undefined {
  const settings = disappearingSettings(record.metadata);
  return settings && nowNs + settings.inNs;
}
