import { equal } from "@coterie/base";
import { CryptoError } from "@coterie/crypto";
import { processCommit } from "./commit-process.ts";
import { MlsError } from "./errors.ts";
import { decodeMlsMessage, peekMessage } from "./message.ts";
import type { Group } from "./group.ts";
import { openMessage } from "./open-message.ts";
import type { OpenedMessage } from "./open-message.ts";
import type { ProcessInput, Processed } from "./processed.ts";
import { processProposal } from "./proposal-process.ts";
import { undo } from "./secret-tree.ts";

/**
 * Takes in one message. What is wrong with it never throws: it is an answer, and the group stays as it was. What only costs a look at the
 * header is decided before any cryptography.
 */
export function process(input: ProcessInput): Processed {
  // What is kept of a message are views of it: take a copy, and not by `slice`, which a Buffer answers with a view.
  const copied = { ...input, message: new Uint8Array(input.message) };
  return refusing(() => ignoredByHeader(copied) ?? processFramed(copied));
}

/** Runs a step and turns what is wrong with its input into an answer. Bugs are thrown. */
export function refusing<T>(
  step: () => T,
): T | { readonly kind: "refused"; readonly reason: MlsError } {
  try {
    return step();
  } catch (error) {
    if (error instanceof MlsError) return { kind: "refused", reason: error };
    if (error instanceof CryptoError) {
      return { kind: "refused", reason: new MlsError("mls/bad-crypto", {}, { cause: error }) };
    }
    throw error;
  }
}

function ignoredByHeader({ group, message }: ProcessInput): Processed | undefined {
  const { wireFormat, groupId, epoch, contentType } = peekMessage(message);
  if (
    (wireFormat !== "public" && wireFormat !== "private") ||
    groupId === undefined ||
    epoch === undefined ||
    contentType === undefined
  ) {
    throw new MlsError("mls/wrong-wire-format", { wireFormat });
  }
  if (!equal(groupId, group.groupId)) return { kind: "ignored", reason: "mls/wrong-group", epoch };
  if (contentType !== "application") {
    if (epoch !== group.epoch) return { kind: "ignored", reason: "mls/wrong-epoch", epoch };
    if (group.status.kind !== "active") return { kind: "ignored", reason: "mls/inactive", epoch };
    return undefined;
  }
  const known =
    epoch === group.epoch || group.past.some(({ record }) => record.context.epoch === epoch);
  return known ? undefined : { kind: "ignored", reason: "mls/wrong-epoch", epoch };
}

/** Where a handshake is not taken, its ratchet stays where it was, and what was derived beyond it is wiped. */
function orUndone(group: Group, opened: OpenedMessage, step: () => Processed): Processed {
  let result: Processed | undefined;
  try {
    result = step();
    return result;
  } finally {
    const taken = result?.kind === "committed" || result?.kind === "proposal";
    if (!taken) undo(group.messageKeys, opened.group.messageKeys, opened.spent);
  }
}

function processFramed(input: ProcessInput): Processed {
  const { crypto, group } = input;
  const decoded = decodeMlsMessage(input.message);
  if (decoded.kind !== "public" && decoded.kind !== "private") {
    throw new MlsError("mls/wrong-wire-format", { wireFormat: decoded.kind });
  }
  const opened = openMessage(crypto, group, decoded);
  if (opened.kind === "own") return opened;
  const { message } = opened;
  const { content } = message.content;
  if (content.kind !== "application") {
    return orUndone(group, opened, () =>
      content.kind === "commit"
        ? processCommit(input, opened, content.commit)
        : processProposal(input, opened, content.proposal),
    );
  }
  // RFC 9420 §6: application data is always encrypted, so it comes from a member.
  const { sender, generation, skipped, spent } = opened;
  if (sender.kind !== "member" || generation === undefined) {
    throw new MlsError("mls/application-in-public");
  }
  return {
    kind: "message",
    group: opened.group,
    plaintext: content.data,
    authenticatedData: message.content.authenticatedData,
    sender: { leafIndex: sender.leafIndex, leaf: sender.leaf },
    epoch: message.content.epoch,
    generation,
    skipped,
    spent,
  };
}
