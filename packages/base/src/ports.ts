/** Wall-clock time. Protocol code receives readings of it as inputs; only runtimes hold the port itself. */
export interface Clock {
  /** Unix time in nanoseconds. Two readings may be equal and it may jump: order never follows from it. */
  nowNs(): bigint;
}

/** Unpredictable bytes from the platform's generator. */
export interface Random {
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

export type LogLevel = "debug" | "info" | "warn" | "error";

/** Structured logging. Fields carry ids and numbers, never keys or content. */
export interface Log {
  write(level: LogLevel, event: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** The platform's clock, at millisecond resolution. */
export const systemClock: Clock = { nowNs: () => BigInt(Date.now()) * 1_000_000n };

/** The platform's generator, which may refuse more than 65,536 bytes in one draw. */
export const systemRandom: Random = {
  bytes(length) {
    const out = new Uint8Array(length);
    for (let at = 0; at < length; at += 65_536) {
      crypto.getRandomValues(out.subarray(at, Math.min(at + 65_536, length)));
    }
    return out;
  },
};

/** Drops everything. */
export const silentLog: Log = { write() {} };
