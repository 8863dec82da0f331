import { DataPlaneError } from "./errors.ts";

/** Throws `late`, by default `dataplane/timeout`, where the promise takes longer. */
export async function within<T>(
  ms: number,
  promise: Promise<T>,
  late: () => Error = () => new DataPlaneError("dataplane/timeout", { ms }),
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
