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

/** The defaults with the caller's choices over them. */
export function groupOptions(chosen: Partial<GroupOptions> | undefined): GroupOptions {
  return { ...defaultGroupOptions, ...chosen };
}
