import { nobleProvider } from "@coterie/crypto/noble";
import { opensslProvider } from "@coterie/crypto/openssl";
import { expect, test } from "vitest";
import { leafCount, nodeAt, resolution } from "../src/tree.ts";
import { decodeRatchetTree } from "../src/tree-codec.ts";
import { subtreeHash } from "../src/tree-hash.ts";
import { validateTree } from "../src/tree-validation.ts";
import { casesOf, hex, noVectors, report, suiteOf } from "./vectors.ts";

interface ValidationCase {
  readonly cipher_suite: number;
  readonly tree: string;
  readonly group_id: string;
  readonly resolutions: readonly (readonly number[])[];
  readonly tree_hashes: readonly string[];
}

test.skipIf(noVectors)(
  "RFC 9420 §12.4.3.1: resolutions, hashes, parent hashes and signatures of whole trees",
  () => {
    const cases = casesOf<ValidationCase>("tree-validation");
    for (const c of cases) {
      const suite = suiteOf(c.cipher_suite);
      const tree = decodeRatchetTree(suite, hex(c.tree));
      const nodes = 2 * leafCount(tree) - 1;
      expect(c.resolutions.length).toBe(nodes);
      for (let index = 0; index < nodes; index++) {
        const node = nodeAt(tree, index);
        if (node === undefined) throw new Error("node in range");
        const found = resolution(tree, node);
        expect(found.map((each) => each.index)).toEqual(c.resolutions[index]);
        expect(node.resolutionSize).toBe(found.length);
        expect(subtreeHash(opensslProvider, suite.hash, node)).toEqual(
          hex(c.tree_hashes[index] ?? ""),
        );
      }
      const groupId = hex(c.group_id);
      validateTree({ crypto: opensslProvider, tree, groupId, extensions: [] });
      if (c.cipher_suite <= 3 && nodes < 16) {
        const again = decodeRatchetTree(suite, hex(c.tree));
        validateTree({ crypto: nobleProvider, tree: again, groupId, extensions: [] });
      }
      expect(() =>
        validateTree({
          crypto: opensslProvider,
          tree,
          groupId: groupId.with(0, 1 ^ (groupId[0] ?? 0)),
          extensions: [],
        }),
      ).toThrowError(expect.objectContaining({ code: "mls/bad-signature" }));
    }
    report("tree-validation", cases.length);
  },
  120_000,
);
