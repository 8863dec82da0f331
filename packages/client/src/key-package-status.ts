import { decodeKeyPackage } from "@coterie/mls";
import type { Context } from "./context.ts";
import { inChunks } from "./chunks.ts";
import { ownerOf } from "./engine/leaf.ts";
import { limits } from "./engine/limits.ts";
import { checkKeyPackage } from "./engine/profile.ts";

export interface KeyPackageStatus {
  /** Unix seconds. */
  readonly lifetime?: { readonly notBefore: bigint; readonly notAfter: bigint } | undefined;
  /** A code, where the key package cannot be used. */
  readonly validationError?: string | undefined;
}

/** By installation id in hex: how long its key package is good for, or why it is not (XKP-11). */
export async function keyPackageStatuses(
  context: Context,
  installationIds: readonly string[],
): Promise<Record<string, KeyPackageStatus>> {
  const out: Record<string, KeyPackageStatus> = {};
  const ask = (chunk: readonly string[]) => context.api.fetchKeyPackages(chunk);
  await inChunks(installationIds, limits.keyPackageChunk, ask, (chunk, packages) => {
    chunk.forEach((installationId, i) => {
      out[installationId] = statusOf(context, installationId, packages[i] ?? new Uint8Array(0));
    });
  });
  return out;
}

function statusOf(context: Context, installationId: string, bytes: Uint8Array): KeyPackageStatus {
  const { crypto, clock } = context.ports;
  try {
    const { leafNode } = decodeKeyPackage(bytes);
    const inboxId = ownerOf(leafNode)?.inboxId ?? "";
    checkKeyPackage(crypto, bytes, { installationId, inboxId, nowNs: clock.nowNs() });
    const { source } = leafNode;
    return source.kind === "key-package" ? { lifetime: source.lifetime } : {};
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    return { validationError: String(code ?? error) };
  }
}
