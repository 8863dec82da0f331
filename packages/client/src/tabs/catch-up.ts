import type { Clock } from "@coterie/base";
import { DeliveryStatus, MessageSortBy } from "../enums.ts";
import type { StreamOptions } from "../async-stream.ts";
import type { DecodedMessage } from "../decoded-message.ts";
import type { Target } from "./protocol.ts";

/** Keeps a stream whole across leaders: what the last one stored and never told is looked for, what it told is not told again. */
export interface CatchUp {
  /** Whether the value was not delivered before; it counts as delivered from now on. */
  isNew(value: unknown): boolean;
  /** What may have been missed, in order. */
  missed(): Promise<readonly unknown[]>;
}

type Ask = (target: Target, method: string, args: readonly unknown[]) => Promise<unknown>;

/** Rows written together may be told in another order than their times: this much is looked at again. */
const overlapNs = 60_000_000_000n;
/** Ids remembered; those of the overlap are always among them unless more come in a minute. */
const remembered = 10_000;

/** Undefined for streams of changes that are no messages or conversations: the current state can be read at any time. */
export async function createCatchUp(
  target: Target,
  method: string,
  options: StreamOptions,
  ask: Ask,
  clock: Clock,
): Promise<CatchUp | undefined> {
  const conversations: Target = { kind: "conversations" };
  if (target.kind === "conversations" && /^stream(?:Groups|Dms)?$/.test(method)) {
    const list = (): Promise<readonly { readonly id: string }[]> =>
      ask(conversations, listOf(method), [plain(options)]) as Promise<readonly { id: string }[]>;
    const known = new Set((await list()).map(({ id }) => id));
    return {
      isNew: (value) => isFirst(known, (value as { id: string }).id),
      missed: list,
    };
  }
  if (target.kind === "conversation" && method === "stream") {
    return messages(clock, async (since) => read(ask, [target], since));
  }
  if (target.kind === "conversations" && /^streamAll(?:Group|Dm)?Messages$/.test(method)) {
    return messages(clock, async (since) => {
      const list = listOf(method);
      const found = (await ask(conversations, list, [plain(options)])) as readonly { id: string }[];
      return read(
        ask,
        found.map(({ id }): Target => ({ kind: "conversation", id })),
        since,
      );
    });
  }
  return undefined;
}

function listOf(method: string): string {
  if (method.includes("Group")) return "listGroups";
  return method.includes("Dm") ? "listDms" : "list";
}

/** What of a stream's options lists understand as well. */
function plain(options: StreamOptions): object {
  const { conversationType, consentStates } = options as Record<string, unknown>;
  return { conversationType, consentStates };
}

function isFirst(known: Set<string>, id: string): boolean {
  if (known.has(id)) return false;
  known.add(id);
  return true;
}

function messages(
  clock: Clock,
  readSince: (since: bigint) => Promise<readonly DecodedMessage[]>,
): CatchUp {
  const openedNs = clock.nowNs();
  const told = new Set<string>();
  let lastNs = openedNs;
  return {
    isNew(value) {
      const { id, insertedAtNs } = value as DecodedMessage;
      if (insertedAtNs > lastNs) lastNs = insertedAtNs;
      if (told.size >= remembered)
        for (const oldest of told) {
          told.delete(oldest);
          break;
        }
      return isFirst(told, id);
    },
    missed() {
      const since = lastNs - overlapNs;
      return readSince(since > openedNs ? since : openedNs);
    },
  };
}

async function read(
  ask: Ask,
  targets: readonly Target[],
  since: bigint,
): Promise<readonly DecodedMessage[]> {
  const options = {
    insertedAfterNs: since - 1n,
    sortBy: MessageSortBy.InsertedAt,
    deliveryStatus: DeliveryStatus.Published,
  };
  const found = await Promise.all(
    targets.map((target) => ask(target, "messages", [options]) as Promise<DecodedMessage[]>),
  );
  return found.flat().toSorted((a, b) => Number(a.insertedAtNs - b.insertedAtNs));
}
