import { decodeMlsMessage } from "@coterie/mls";
import {
  SendGroupMessagesRequest,
  SendWelcomeMessagesRequest,
  WelcomeWrapperAlgorithm,
  WelcomePointerWrapperAlgorithm,
} from "@coterie/wire";
import type { GroupMessageInput, WelcomeMessageInput } from "@coterie/wire";
import { invalid, tooLarge } from "../errors.ts";
import type { NodeLimits } from "../limits.ts";
import type { NewGroupMessage, NewWelcome } from "../log/log.ts";
import type { NodeEnv } from "./env.ts";

const empty = new Uint8Array();

/** XND-32. The whole request is read before any of it is stored. */
export async function sendGroupMessages(env: NodeEnv, request: Uint8Array): Promise<Uint8Array> {
  const { messages } = SendGroupMessagesRequest.decode(request);
  if (messages.length === 0) throw invalid("XND-32", "no messages");
  const parsed = messages.map(parseMessage);
  checkSizes(env.limits, parsed);
  const { stored, duplicates } = await env.log.appendGroupMessages(parsed);
  env.metrics.add("coterie_group_messages_total", { outcome: "stored" }, stored);
  env.metrics.add("coterie_group_messages_total", { outcome: "duplicate" }, duplicates);
  return empty;
}

function parseMessage(input: GroupMessageInput): NewGroupMessage {
  if (input.kind !== "v1") throw invalid("XND-32", "a message without v1");
  const { data, senderHmac, shouldPush } = input.value;
  const mls = decodeMlsMessage(data);
  if (mls.kind !== "private") throw invalid("XND-32", `a ${mls.kind} message in a group`);
  const { groupId, contentType } = mls.message;
  if (groupId.length === 0) throw invalid("XND-32", "an empty group id");
  // XND-35: standalone proposals count as commits here
  return { groupId, data, senderHmac, shouldPush, isCommit: contentType !== "application" };
}

/** XND-36. */
export async function sendWelcomeMessages(env: NodeEnv, request: Uint8Array): Promise<Uint8Array> {
  const { messages } = SendWelcomeMessagesRequest.decode(request);
  if (messages.length === 0) throw invalid("XND-36", "no welcomes");
  const parsed = messages.map(parseWelcome);
  checkSizes(env.limits, parsed);
  const { stored, duplicates } = await env.log.appendWelcomes(parsed);
  env.metrics.add("coterie_welcomes_total", { outcome: "stored" }, stored);
  env.metrics.add("coterie_welcomes_total", { outcome: "duplicate" }, duplicates);
  return empty;
}

function parseWelcome(input: WelcomeMessageInput): NewWelcome {
  if (input.kind === "v1") {
    const { value } = input;
    if (value.installationKey.length === 0) throw invalid("XND-36", "no installation key");
    if (value.data.length === 0) throw invalid("XND-36", "no data");
    // a pointee is opened with the key in its pointers, not with one of HPKE
    const needsKey = value.wrapperAlgorithm !== WelcomeWrapperAlgorithm.symmetricKey;
    if (needsKey && value.hpkePublicKey.length === 0) throw invalid("XND-36", "no HPKE key");
    return { kind: "v1", ...value };
  }
  if (input.kind === "welcomePointer") {
    const { installationKey, welcomePointer, hpkePublicKey, wrapperAlgorithm } = input.value;
    if (installationKey.length === 0) throw invalid("XND-36", "no installation key");
    if (welcomePointer.length === 0) throw invalid("XND-36", "no welcome pointer");
    if (hpkePublicKey.length === 0) throw invalid("XND-36", "no HPKE key");
    if (wrapperAlgorithm !== WelcomePointerWrapperAlgorithm.xwingMlkem768Draft6) {
      throw invalid("XND-36", "a pointer of another algorithm than 2");
    }
    const data = welcomePointer;
    return {
      kind: "pointer",
      installationKey,
      data,
      hpkePublicKey,
      wrapperAlgorithm,
      welcomeMetadata: empty,
    };
  }
  throw invalid("XND-36", "a welcome without a version");
}

function checkSizes(limits: NodeLimits, entries: readonly { readonly data: Uint8Array }[]): void {
  const { entriesPerPublish, entryBytes } = limits;
  if (entries.length > entriesPerPublish) {
    throw tooLarge("entries", entriesPerPublish, entries.length);
  }
  for (const { data } of entries) {
    if (data.length > entryBytes) throw tooLarge("entry", entryBytes, data.length);
  }
}
