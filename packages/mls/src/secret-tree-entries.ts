import { MlsError } from "./errors.ts";
import type { SecretNode, SecretTree } from "./secret-tree.ts";

/** A part of a secret tree that is stored on its own: an unused secret by node index, or the ratchets of a leaf. */
export type SecretEntry = SecretNode & { readonly kind: "secret" | "member" };

/** Node indices are those of the array form (RFC 9420 Appendix C), as in the ratchet tree. */
function secretKey(node: SecretEntry, index: number): string {
  return node.kind === "secret" ? `node/${index}` : `ratchet/${index / 2}`;
}

/**
 * What one version of an epoch's secret tree stores that another does not: entries to put and keys to delete. Walks only where the two
 * differ, so that the cost is that of the change.
 */
export function secretTreeChanges(
  before: SecretTree | undefined,
  after: SecretTree | undefined,
): { readonly puts: [string, SecretEntry][]; readonly deletes: string[] } {
  const puts = new Map<string, SecretEntry>();
  const deletes = new Set<string>();
  const walk = (old: SecretNode | undefined, node: SecretNode | undefined, at: Span): void => {
    if (old === node) return;
    if (old?.kind !== "branch" && node?.kind !== "branch") {
      if (old) deletes.add(secretKey(old, at.index));
      if (node) puts.set(secretKey(node, at.index), node);
      return;
    }
    if (old && old.kind !== "branch") deletes.add(secretKey(old, at.index));
    if (node && node.kind !== "branch") puts.set(secretKey(node, at.index), node);
    const half = at.width / 2;
    walk(child(old, "left"), child(node, "left"), { index: at.index - half, width: half });
    walk(child(old, "right"), child(node, "right"), { index: at.index + half, width: half });
  };
  const leaves = (after ?? before)?.leafCount ?? 1;
  walk(before?.root, after?.root, { index: leaves - 1, width: leaves });
  for (const key of puts.keys()) deletes.delete(key);
  return { puts: [...puts], deletes: [...deletes] };
}

function child(node: SecretNode | undefined, side: "left" | "right"): SecretNode | undefined {
  return node?.kind === "branch" ? node[side] : undefined;
}

interface Span {
  readonly index: number;
  /** Leaves below. */
  readonly width: number;
}

/** Puts a tree together from its entries, by key. Throws `mls/bad-snapshot` unless they cover every leaf exactly once. */
export function assembleSecretTree(
  leafCount: number,
  entries: ReadonlyMap<string, SecretEntry>,
): SecretTree {
  let used = 0;
  const build = (index: number, width: number): SecretNode => {
    const found =
      entries.get(`node/${index}`) ??
      (width === 1 ? entries.get(`ratchet/${index / 2}`) : undefined);
    if (found) {
      used++;
      return found;
    }
    // Entries are finite and every branch ends at one: where they are used up, the tree is not whole.
    if (width === 1 || used >= entries.size)
      throw new MlsError("mls/bad-snapshot", { node: index });
    const half = width / 2;
    return { kind: "branch", left: build(index - half, half), right: build(index + half, half) };
  };
  const root = build(leafCount - 1, leafCount);
  if (used !== entries.size) throw new MlsError("mls/bad-snapshot", { why: "secrets" });
  return { leafCount, root };
}
