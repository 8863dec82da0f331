import { expect, test } from "vitest";
import { decodeWith, encodeWith } from "../src/codec.ts";
import type { Reader, Writer } from "../src/codec.ts";
import { readCommit, writeCommit } from "../src/commit-types.ts";
import { decodeMlsMessage, encodeMlsMessage, peekMessage } from "../src/message.ts";
import { readProposalBody, writeProposalBody } from "../src/proposal.ts";
import { proposalTypes } from "../src/registry.ts";
import { decodeRatchetTree, encodeRatchetTree } from "../src/tree-codec.ts";
import { readGroupSecrets, writeGroupSecrets } from "../src/welcome-types.ts";
import type { WireFormat } from "../src/types.ts";
import { unremembered } from "./arbitraries.ts";
import { casesOf, hex, noVectors, report, suiteOf } from "./vectors.ts";

type MessageCase = Readonly<Record<string, string>>;

const wireFormats: Readonly<Record<string, WireFormat>> = {
  mls_welcome: "welcome",
  mls_group_info: "group-info",
  mls_key_package: "key-package",
  public_message_application: "public",
  public_message_proposal: "public",
  public_message_commit: "public",
  private_message: "private",
};

const proposals: Readonly<Record<string, number>> = {
  add_proposal: proposalTypes.add,
  update_proposal: proposalTypes.update,
  remove_proposal: proposalTypes.remove,
  pre_shared_key_proposal: proposalTypes.psk,
  re_init_proposal: proposalTypes.reinit,
  external_init_proposal: proposalTypes["external-init"],
  group_context_extensions_proposal: proposalTypes["group-context-extensions"],
};

/** Decodes, and encodes both what was read and a copy that has forgotten the bytes it was read from. */
function roundTrip<T>(
  bytes: Uint8Array,
  read: (r: Reader) => T,
  write: (w: Writer, value: T) => void,
): void {
  const value = decodeWith(read, bytes);
  expect(encodeWith(write, value)).toEqual(bytes);
  expect(encodeWith(write, unremembered(value))).toEqual(bytes);
}

test.skipIf(noVectors)("RFC 9420: every structure decodes and encodes to the same bytes", () => {
  const cases = casesOf<MessageCase>("messages");
  for (const c of cases) {
    let fields = 0;
    for (const [name, text] of Object.entries(c)) {
      const bytes = hex(text);
      const format = wireFormats[name];
      const proposal = proposals[name];
      fields++;
      if (format !== undefined) {
        const message = decodeMlsMessage(bytes);
        expect(message.kind).toBe(format);
        expect(encodeMlsMessage(message)).toEqual(bytes);
        expect(encodeMlsMessage(unremembered(message))).toEqual(bytes);
        const peek = peekMessage(bytes);
        expect(peek.wireFormat).toBe(format);
        if (message.kind === "public") {
          const { content } = message.message;
          expect(peek).toEqual({
            wireFormat: format,
            groupId: content.groupId,
            epoch: content.epoch,
            contentType: content.content.kind,
          });
          expect(`public_message_${content.content.kind}`).toBe(name);
        }
      } else if (proposal !== undefined) {
        roundTrip(bytes, (r) => readProposalBody(r, proposal), writeProposalBody);
      } else if (name === "ratchet_tree") {
        expect(encodeRatchetTree(decodeRatchetTree(suiteOf(1), bytes))).toEqual(bytes);
      } else if (name === "group_secrets") {
        roundTrip(bytes, readGroupSecrets, writeGroupSecrets);
      } else {
        expect(name).toBe("commit");
        roundTrip(bytes, readCommit, writeCommit);
      }
    }
    expect(fields).toBe(17);
  }
  report("messages", cases.length);
});
