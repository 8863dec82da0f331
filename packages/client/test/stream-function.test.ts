import { expect, test } from "vitest";
import { createStream } from "../src/stream-function.ts";
import type { StreamCallback } from "../src/stream-function.ts";

const noPause = { sleep: () => Promise.resolve() };

test("XST-06: callbacks become an iterable that starts anew after a break and ends what it started", async () => {
  const told: string[] = [];
  let starts = 0;
  let ends = 0;
  let say: StreamCallback<number> = () => undefined;
  let breakOff: () => void = () => undefined;
  const stream = await createStream<number, string>(
    (callback, onFail) => {
      starts += 1;
      if (starts === 2) throw new Error("not yet");
      [say, breakOff] = [callback, onFail];
      return { end: () => void (ends += 1) };
    },
    async (value) => (value === 13 ? undefined : `<${value}>`),
    {
      onRetry: (attempt, most) => told.push(`retry ${attempt} of ${most}`),
      onRestart: () => told.push("restart"),
      onError: (error) => told.push((error as Error).message),
      onEnd: () => told.push("end"),
    },
    noPause,
  );
  say(null, 1);
  say(null, 13);
  say(new Error("odd"), undefined);
  expect(await stream.next()).toEqual({ done: false, value: "<1>" });
  breakOff();
  await new Promise((resolve) => setTimeout(resolve, 0));
  say(null, 2);
  expect(await stream.next()).toEqual({ done: false, value: "<2>" });
  await stream.end();
  expect(stream.isDone).toBe(true);
  expect(told).toEqual(["odd", "retry 1 of 10", "not yet", "retry 2 of 10", "restart", "end"]);
  expect([starts, ends]).toEqual([3, 1]);
});

test("XST-06: when all attempts failed the reader is told", async () => {
  const told: string[] = [];
  let breakOff: () => void = () => undefined;
  let starts = 0;
  const stream = await createStream<number>(
    (_callback, onFail) => {
      starts += 1;
      if (starts > 1) throw new Error("down");
      breakOff = onFail;
      return { end: () => undefined };
    },
    undefined,
    { retryAttempts: 3, onFail: () => told.push("fail") },
    noPause,
  );
  const waiting = stream.next();
  breakOff();
  await expect(waiting).rejects.toMatchObject({ code: "client/stream-failed" });
  expect([told, starts]).toEqual([["fail"], 4]);
  await expect(
    createStream(() => ({ end() {} }), undefined, { retryAttempts: -1 }),
  ).rejects.toMatchObject({
    code: "client/bad-argument",
  });
  const never = createStream(
    () => {
      throw new Error("down");
    },
    undefined,
    { retryOnFail: false },
  );
  await expect(never).rejects.toThrow("down");
});
