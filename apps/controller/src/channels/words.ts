import { ControllerError } from "../errors.ts";
import type { ControllerErrorCode } from "../errors.ts";
import { NameError } from "./given-name.ts";

/** A name that cannot be one, told after these words. */
export function inWords<T>(before: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof NameError)) throw error;
    throw failure("controller/invalid-argument", `${before}${error.message}`, error);
  }
}

/** What goes wrong on the way, in one line. */
export async function doing<T>(before: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw failure("controller/channel-failed", `${before}${wordsOf(error)}`, error);
  }
}

export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

export function failure(
  code: ControllerErrorCode,
  message: string,
  cause?: unknown,
): ControllerError {
  return new ControllerError(code, { message, cause });
}

/** SCT-30: whoever asks hears in time; the work itself goes on. */
export async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(failure("controller/no-answer", `no answer within ${ms / 1000} s`));
    }, ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
