import { badValue } from "./codec.ts";
import type { Reader, Writer } from "./codec.ts";
import { nameOf } from "./registry.ts";
import type { PreSharedKeyId } from "./types.ts";

const usages = { application: 1, reinit: 2, branch: 3 } as const;

/** PreSharedKeyID (RFC 9420 §8.4). */
export function writePreSharedKeyId(w: Writer, id: PreSharedKeyId): void {
  if (id.kind === "external") {
    w.u8(1);
    w.opaque(id.pskId);
  } else {
    w.u8(2);
    w.u8(usages[id.usage]);
    w.opaque(id.groupId);
    w.u64(id.epoch);
  }
  w.opaque(id.nonce);
}

export function readPreSharedKeyId(r: Reader): PreSharedKeyId {
  const type = r.u8();
  if (type === 1) return { kind: "external", pskId: r.opaque(), nonce: r.opaque() };
  if (type !== 2) throw badValue("psktype", type);
  const number = r.u8();
  const usage = nameOf(usages, number);
  if (usage === undefined) throw badValue("usage", number);
  return {
    kind: "resumption",
    usage,
    groupId: r.opaque(),
    epoch: r.u64(),
    nonce: r.opaque(),
  };
}
