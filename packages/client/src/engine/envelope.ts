/** One message of a group's log as the node hands it out. Its `is_commit` is no proof and not looked at (XIN-08). */
export interface Envelope {
  readonly sequenceId: bigint;
  readonly createdNs: bigint;
  readonly data: Uint8Array;
}
