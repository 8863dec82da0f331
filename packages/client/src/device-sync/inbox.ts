import type { Change } from "@coterie/storage";
import type { DeviceSyncContent } from "@coterie/wire";
import { readRowsBetween } from "../archive/rows-of.ts";
import type { Context } from "../context.ts";
import type { MessageRow } from "../engine/state.ts";
import { DeliveryStatus } from "../enums.ts";
import type { Cell } from "../groups.ts";
import { keys } from "../keys.ts";
import { decodeRow, encodeRow } from "../rows.ts";
import { decodeDeviceSync, decodePreferences, usableReply } from "./content.ts";
import type { History } from "./history.ts";
import type { JobRow } from "./jobs.ts";

const pageSize = 100;

/** Acts on the messages of a sync group that were not acted on yet, in the node's order (XHS-02). */
export async function readSyncGroup(context: Context, history: History, cell: Cell): Promise<void> {
  const { store } = context.ports;
  const cursorKey = keys.deviceSync("cursor", cell.id);
  for (;;) {
    const row = await store.get(cursorKey);
    const sentAfterNs = row ? decodeRow<{ atNs: bigint }>(row).atNs : undefined;
    const rows = await readRowsBetween(store, cell.id, {
      fromNs: (sentAfterNs ?? -1n) + 1n,
      limit: pageSize,
    });
    for (const message of rows) {
      // Sorts by our clock until the node has it; its echo sorts by the node's.
      if (message.deliveryStatus !== DeliveryStatus.Published) continue;
      const content = decodeDeviceSync(message, context.inboxId);
      const changes = content ? await act(context, history, message, content) : [];
      const value = encodeRow({ atNs: message.sentAtNs });
      await store.write([...changes, { kind: "put", key: cursorKey, value }]);
    }
    const last = rows.findLast(({ deliveryStatus }) => deliveryStatus === DeliveryStatus.Published);
    if (rows.length < pageSize || !last || last.sentAtNs === sentAfterNs) return;
  }
}

/** What goes into the store together with the cursor. */
async function act(
  context: Context,
  history: History,
  message: MessageRow,
  content: DeviceSyncContent,
): Promise<Change[]> {
  const own = message.senderInstallationId === context.installationId;
  const job = (row: JobRow): Change[] => [
    { kind: "put", key: keys.deviceSync("job", message.id), value: encodeRow(row) },
  ];
  switch (content.kind) {
    case "preferenceUpdates":
      // XHS-05: own echoes as well; they are no news.
      await context.preferences.accept(decodePreferences(content.value.updates));
      return [];
    case "request": {
      // XHS-06
      if (own) return [];
      const { pin, serverUrl, options } = content.value;
      return job({ kind: "give", pin, serverUrl, options, attempts: 0 });
    }
    case "reply": {
      // XHS-07
      const reply = own ? undefined : usableReply(content.value);
      if (!reply || !(await history.asked(reply.pin))) return [];
      const { pin, url, key } = reply;
      return job({ kind: "take", pin, url, key, attempts: 0 });
    }
    case "acknowledge":
    case "unset":
      return [];
  }
}
