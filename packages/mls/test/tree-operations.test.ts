import { opensslProvider } from "@coterie/crypto/openssl";
import { expect, test } from "vitest";
import { decodeWith } from "../src/codec.ts";
import { readProposal } from "../src/proposal.ts";
import { applyAdd, applyRemove, applyUpdate } from "../src/tree.ts";
import type { RatchetTree } from "../src/tree.ts";
import { decodeRatchetTree, encodeRatchetTree } from "../src/tree-codec.ts";
import { treeHash } from "../src/tree-hash.ts";
import { casesOf, hex, noVectors, report, suiteOf } from "./vectors.ts";

interface OperationCase {
  readonly cipher_suite: number;
  readonly tree_before: string;
  readonly proposal: string;
  readonly proposal_sender: number;
  readonly tree_after: string;
  readonly tree_hash_before: string;
  readonly tree_hash_after: string;
}

const crypto = opensslProvider;

function apply(tree: RatchetTree, proposal: Uint8Array, sender: number): RatchetTree {
  const read = decodeWith(readProposal, proposal);
  if (read.kind === "add") return applyAdd(tree, read.keyPackage.leafNode).tree;
  if (read.kind === "update") return applyUpdate(tree, sender, read.leafNode);
  if (read.kind === "remove") return applyRemove(tree, read.removed);
  throw new Error(`no tree operation: ${read.kind}`);
}

test.skipIf(noVectors)(
  "RFC 9420 §12.1: add, update and remove give the trees of the vectors",
  () => {
    const cases = casesOf<OperationCase>("tree-operations");
    for (const c of cases) {
      const before = decodeRatchetTree(suiteOf(c.cipher_suite), hex(c.tree_before));
      const after = apply(before, hex(c.proposal), c.proposal_sender);
      expect(encodeRatchetTree(after)).toEqual(hex(c.tree_after));
      expect(treeHash(crypto, after)).toEqual(hex(c.tree_hash_after));
      expect(encodeRatchetTree(before)).toEqual(hex(c.tree_before));
      expect(treeHash(crypto, before)).toEqual(hex(c.tree_hash_before));
    }
    report("tree-operations", cases.length);
  },
);
