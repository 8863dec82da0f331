import { BackupElementSelection } from "@coterie/wire";
import type { ArchiveOptions as WireOptions, BackupMetadataSave } from "@coterie/wire";
import { ClientError } from "../errors.ts";
import { archiveVersion } from "./frames.ts";

/** What an archive can hold. */
export const BackupElementSelectionOption = { Messages: "Messages", Consent: "Consent" } as const;
export type BackupElementSelectionOption =
  (typeof BackupElementSelectionOption)[keyof typeof BackupElementSelectionOption];

/** What an archive shall hold; default consent and messages of all times (XHS-09). */
export interface ArchiveOptions {
  readonly elements?: readonly BackupElementSelectionOption[] | undefined;
  /** Messages sent at or after it. */
  readonly startNs?: bigint | undefined;
  /** Messages sent before it. */
  readonly endNs?: bigint | undefined;
  readonly excludeDisappearingMessages?: boolean | undefined;
}

/** What an archive says of itself. */
export interface ArchiveMetadata {
  readonly backupVersion: number;
  readonly elements: readonly BackupElementSelectionOption[];
  readonly exportedAtNs: bigint;
  readonly startNs?: bigint | undefined;
  readonly endNs?: bigint | undefined;
}

const toWire = {
  Messages: BackupElementSelection.messages,
  Consent: BackupElementSelection.consent,
} as const;

export function encodeOptions(options: ArchiveOptions): WireOptions {
  const wanted = options.elements ?? ["Consent", "Messages"];
  const elements = [...new Set(wanted)].map((element) => {
    const number = toWire[element];
    if (number === undefined) throw new ClientError("client/bad-argument", { element });
    return number;
  });
  return {
    elements,
    startNs: options.startNs,
    endNs: options.endNs,
    excludeDisappearingMessages: options.excludeDisappearingMessages === true,
  };
}

/** What is unknown or no longer in use is left out. */
function decodeElements(
  elements: readonly BackupElementSelection[],
): BackupElementSelectionOption[] {
  return elements.flatMap((element): BackupElementSelectionOption[] => {
    if (element === BackupElementSelection.messages) return ["Messages"];
    return element === BackupElementSelection.consent ? ["Consent"] : [];
  });
}

/** Without options in a request everything is asked for. */
export function decodeOptions(options: WireOptions | undefined): ArchiveOptions {
  if (!options) return {};
  const { elements, startNs, endNs, excludeDisappearingMessages } = options;
  return { elements: decodeElements(elements), startNs, endNs, excludeDisappearingMessages };
}

export function toArchiveMetadata(save: BackupMetadataSave): ArchiveMetadata {
  return {
    backupVersion: archiveVersion,
    elements: decodeElements(save.elements),
    exportedAtNs: save.exportedAtNs,
    startNs: save.startNs,
    endNs: save.endNs,
  };
}
