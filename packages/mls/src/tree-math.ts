// The array form of a full binary tree (RFC 9420 Appendix C): leaf i is node 2i, and a node's level is the count of its trailing ones.

/** 0 at leaves. */
function level(node: number): number {
  return 31 - Math.clz32(~node & (node + 1));
}

/** Nodes of a tree with this many leaves. */
export function nodeWidth(leafCount: number): number {
  return leafCount === 0 ? 0 : 2 * leafCount - 1;
}

/** Node index of the root; `leafCount` is a power of two. */
export function root(leafCount: number): number {
  return leafCount - 1;
}

/** Undefined at leaves. */
export function left(node: number): number | undefined {
  const height = level(node);
  return height === 0 ? undefined : node - 2 ** (height - 1);
}

/** Undefined at leaves. */
export function right(node: number): number | undefined {
  const height = level(node);
  return height === 0 ? undefined : node + 2 ** (height - 1);
}

/** Undefined at the root. */
export function parent(node: number, leafCount: number): number | undefined {
  if (node === root(leafCount)) return undefined;
  const bit = 2 ** (level(node) + 1);
  return (node & bit) === 0 ? node + bit / 2 : node - bit / 2;
}

/** The other child of the node's parent; undefined at the root. */
export function sibling(node: number, leafCount: number): number | undefined {
  const above = parent(node, leafCount);
  if (above === undefined) return undefined;
  return node < above ? right(above) : left(above);
}

/** Node indices above a node, from its parent to the root. */
export function directPath(node: number, leafCount: number): number[] {
  const path: number[] = [];
  for (let at = parent(node, leafCount); at !== undefined; at = parent(at, leafCount))
    path.push(at);
  return path;
}

/** The lowest node above both leaves, given by leaf index; a leaf's own node where they are the same. */
export function commonAncestor(leafA: number, leafB: number): number {
  const height = 32 - Math.clz32(leafA ^ leafB);
  return (((2 * leafA) >>> (height + 1)) << (height + 1)) + 2 ** height - 1;
}
