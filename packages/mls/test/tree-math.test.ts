import { expect, test } from "vitest";
import {
  commonAncestor,
  directPath,
  left,
  nodeWidth,
  parent,
  right,
  root,
  sibling,
} from "../src/tree-math.ts";
import { casesOf, noVectors, report } from "./vectors.ts";

interface MathCase {
  readonly n_leaves: number;
  readonly n_nodes: number;
  readonly root: number;
  readonly left: readonly (number | null)[];
  readonly right: readonly (number | null)[];
  readonly parent: readonly (number | null)[];
  readonly sibling: readonly (number | null)[];
}

test.skipIf(noVectors)("RFC 9420 Appendix C: node relations are those of the vectors", () => {
  const cases = casesOf<MathCase>("tree-math");
  for (const c of cases) {
    expect(nodeWidth(c.n_leaves)).toBe(c.n_nodes);
    expect(root(c.n_leaves)).toBe(c.root);
    for (let node = 0; node < c.n_nodes; node++) {
      expect(left(node) ?? null).toBe(c.left[node]);
      expect(right(node) ?? null).toBe(c.right[node]);
      expect(parent(node, c.n_leaves) ?? null).toBe(c.parent[node]);
      expect(sibling(node, c.n_leaves) ?? null).toBe(c.sibling[node]);
    }
  }
  report("tree-math", cases.length);
});

test("RFC 9420 Appendix C: the common ancestor is the lowest node on both direct paths", () => {
  const leaves = 32;
  for (let a = 0; a < leaves; a++) {
    for (let b = 0; b < leaves; b++) {
      const pathB = new Set([2 * b, ...directPath(2 * b, leaves)]);
      const expected = [2 * a, ...directPath(2 * a, leaves)].find((node) => pathB.has(node));
      expect(commonAncestor(a, b)).toBe(expected);
    }
  }
});
