import type { ControlSession } from "./port.ts";
import { controlPayloadType, encodeControl, readAnswer } from "./protocol.ts";
import type { ControlAnswer, ControlRequest } from "./protocol.ts";

type WithoutId<T> = T extends unknown ? Omit<T, "id"> : never;
/** A request whose id is given to it. */
export type Asking = WithoutId<ControlRequest>;
export type Answered = Extract<ControlAnswer, { readonly ok: true }>;

/** The controller's side of one control session. */
export interface ControlRequester {
  readonly isOver: boolean;
  /** Resolves with the answer; rejects with the app's words, after the time, or when the session ends. */
  ask(asking: Asking, timeoutMs: number): Promise<Answered>;
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (answer: Answered) => void;
  readonly reject: (error: Error) => void;
}

export function createControlRequester(session: ControlSession): ControlRequester {
  const waiting = new Map<string, Waiting>();
  const end = { came: false };

  const fail = (words: string): void => {
    end.came = true;
    for (const { reject } of waiting.values()) reject(new Error(words));
    waiting.clear();
  };
  const read = async (): Promise<void> => {
    for (;;) {
      const message = await session.receive();
      if (message.payloadType !== controlPayloadType) continue;
      const answer = readAnswer(message.payload);
      const found = answer && waiting.get(answer.id);
      if (answer === undefined || found === undefined) continue;
      waiting.delete(answer.id);
      if (answer.ok) found.resolve(answer);
      else found.reject(new Error(answer.error));
    }
  };
  read().catch(() => fail("the app ended the session"));

  return {
    get isOver() {
      return end.came;
    },
    async ask(asking, timeoutMs) {
      if (end.came) throw new Error("the session is over");
      const id = crypto.randomUUID();
      const answered = new Promise<Answered>((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(id);
          reject(new Error("the app does not answer"));
        }, timeoutMs);
        waiting.set(id, {
          resolve(answer) {
            clearTimeout(timer);
            resolve(answer);
          },
          reject(error) {
            clearTimeout(timer);
            reject(error);
          },
        });
      });
      const request = { ...asking, id } as ControlRequest;
      // a message that is not acknowledged may have been done all the same: the answer or the time tells
      session.send(encodeControl(request), controlPayloadType).catch(() => {});
      return answered;
    },
    async close() {
      fail("the session is closed");
      await session.close();
    },
  };
}
