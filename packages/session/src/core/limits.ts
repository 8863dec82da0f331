import type { Timers } from "./port.ts";

/** Of control timers where nothing else was agreed (SSN-05). */
export const defaultTimers: Timers = { intervalMs: 1_000, maxRetries: 10 };
export const ttl = 8;
/** Marks what is meant for everybody subscribed to a channel. */
export const groupFanout = 256;
/** Our members know each other by the `+ts.` in it (SSN-21). */
export const slimVersion = "2.2.0+ts.1";
/** SSN-15. */
export const maxSessions = 10_000;
/** Invitations that no welcome has followed yet. */
export const maxInvited = 128;
export const discoveriesPerSecond = 50;
/** SSN-14. */
export const halfJoinedMs = 15_000;
/** SSG-09, SGR-38. */
export const answersKeptMs = 120_000;
export const maxAnswers = 10_000;
/** SSG-05. */
export const replaySenders = 100;
export const replayIds = 1_000;
/** How long a node may take to acknowledge a subscription before what waits for it fails. */
export const subscriptionMs = 15_000;
/** SRL-23: of so many sessions that ended the numbers are known. */
export const sequencesKept = 1_000;
/** Of so many members it is known when they were taken out. */
export const expelledKept = 1_000;
/** SSN-13. */
export const drainMs = 60_000;
/** Largest session id that is chosen (SSN-01). */
export const maxSessionId: number = 2 ** 32 - 1_002;
export const leastIntervalMs = 10;
export const mostIntervalMs = 3_600_000;
export const mostRetries = 1_000;
export const maxMembers = 4_096;
/** A message with its header stays below what natives decode (SCN-03). */
export const maxPayload: number = 4 * 1024 * 1024 - 64 * 1024;
