import type { SlimName } from "@coterie/wire/slim";

/** What calls need of a session. */
export interface RpcSession {
  readonly id: number;
  readonly metadata: ReadonlyMap<string, string>;
  /** To everybody in it. Resolves once the message is numbered and on its way, which takes until there is room for it (SRL-08). */
  publish(payload: Uint8Array, metadata: ReadonlyMap<string, string>): Promise<Published>;
  /** What comes next, in order; undefined once the session has ended. Called again when it has resolved. */
  next(): Promise<RpcIncoming | undefined>;
  close(): Promise<void>;
}

interface Published {
  /** Resolves with the members who have not acknowledged it through all retries. */
  readonly delivered: Promise<readonly SlimName[]>;
}

export type RpcIncoming =
  | {
      readonly kind: "message";
      readonly source: SlimName;
      readonly payload: Uint8Array;
      readonly metadata: ReadonlyMap<string, string>;
    }
  /** A message of this member that nobody can bring any more. */
  | { readonly kind: "lost"; readonly source: SlimName }
  /** A member that left, or that has not been heard of for long. */
  | { readonly kind: "gone"; readonly source: SlimName };

/** Time as both sides of a call see it: deadlines are Unix time. Tests bring a virtual one. */
export interface RpcTime {
  unixMs(): number;
  /** Runs something later, and returns how to call that off. */
  later(ms: number, run: () => void): () => void;
}

/** Longer waits overflow the platform's timers and would end at once. */
const longestTimerMs = 2 ** 31 - 1;

export const systemTime: RpcTime = {
  unixMs: () => Date.now(),
  later(ms, run) {
    const timer = setTimeout(run, Math.min(Math.max(ms, 0), longestTimerMs));
    return () => clearTimeout(timer);
  },
};
