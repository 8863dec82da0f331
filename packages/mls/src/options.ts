import { MlsError } from "./errors.ts";
import type { RatchetLimits } from "./ratchet.ts";

/** How much a group keeps and how far it goes. Fixed when a group is created or joined; kept in its snapshot. */
export interface GroupOptions extends RatchetLimits {
  /** Epochs before the current one whose application messages can still be opened. */
  readonly pastEpochs: number;
}

/** XGC-05. */
export const defaultGroupOptions: GroupOptions = {
  maxForwardRatchet: 1_000,
  outOfOrderWindow: 5,
  pastEpochs: 3,
};

/** What a snapshot can hold; a wider window would keep as many keys for each sender. */
export const mostSkipped = 65_536;

/** The defaults with the caller's choices over them. Throws `mls/bad-argument` for what is no count. */
export function groupOptions(chosen: Partial<GroupOptions> | undefined): GroupOptions {
  const { maxForwardRatchet, outOfOrderWindow, pastEpochs } = { ...defaultGroupOptions, ...chosen };
  requireCount("maxForwardRatchet", maxForwardRatchet, 0xffffffff);
  requireCount("outOfOrderWindow", outOfOrderWindow, mostSkipped);
  requireCount("pastEpochs", pastEpochs, 0xffffffff);
  return { maxForwardRatchet, outOfOrderWindow, pastEpochs };
}

function requireCount(option: keyof GroupOptions, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= most) return;
  throw new MlsError("mls/bad-argument", { option, value }, { disposition: "fix-caller" });
}
