import {
  BatchPublishCommitLogRequest,
  BatchQueryCommitLogRequest,
  BatchQueryCommitLogResponse,
} from "@coterie/wire";
import type { PublishCommitLogRequest, QueryCommitLogResponse } from "@coterie/wire";
import { invalid } from "../errors.ts";
import type { NewCommitLogEntry } from "../log/log.ts";
import { toPageQuery, toPagingInfo, toWireCommitLogEntry } from "./convert.ts";
import type { NodeEnv } from "./env.ts";

/** XND-41. Signatures are the readers' to check (XIN-42). */
export async function batchPublishCommitLog(
  env: NodeEnv,
  request: Uint8Array,
): Promise<Uint8Array> {
  const { requests } = BatchPublishCommitLogRequest.decode(request);
  if (requests.length > env.limits.commitLogPublish) throw invalid("XND-41", "too many entries");
  await env.log.appendCommitLog(requests.map(parseEntry));
  return new Uint8Array();
}

function parseEntry(request: PublishCommitLogRequest): NewCommitLogEntry {
  const { groupId, serializedCommitLogEntry, signature } = request;
  if (groupId.length === 0) throw invalid("XND-41", "an empty group id");
  if (serializedCommitLogEntry.length === 0) throw invalid("XND-41", "an empty entry");
  if (signature === undefined) throw invalid("XND-41", "no signature");
  return {
    groupId,
    entry: serializedCommitLogEntry,
    signature: signature.bytes,
    publicKey: signature.publicKey,
  };
}

/** XND-41: ascending, whatever direction is asked. */
export async function batchQueryCommitLog(env: NodeEnv, request: Uint8Array): Promise<Uint8Array> {
  const { requests } = BatchQueryCommitLogRequest.decode(request);
  if (requests.length > env.limits.commitLogQuery) throw invalid("XND-41", "too many groups");
  const responses: QueryCommitLogResponse[] = [];
  for (const { groupId, pagingInfo } of requests) {
    if (groupId.length === 0) throw invalid("XND-41", "an empty group id");
    const query = {
      ...toPageQuery(groupId, pagingInfo, env.limits),
      direction: "ascending",
      maxBytes: Math.floor(env.limits.pageBytes / requests.length),
    } as const;
    const page = await env.log.commitLog(query);
    responses.push({
      groupId,
      commitLogEntries: page.entries.map(toWireCommitLogEntry),
      pagingInfo: toPagingInfo(query, page),
    });
  }
  return BatchQueryCommitLogResponse.encode({ responses });
}
