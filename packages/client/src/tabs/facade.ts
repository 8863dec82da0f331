import type { Clock } from "@coterie/base";
import { createStream } from "../async-stream.ts";
import type { AsyncStreamProxy, StreamOptions } from "../async-stream.ts";
import { createCatchUp } from "./catch-up.ts";
import type { ConversationFacts, StreamEvent, TabValue, Target } from "./protocol.ts";
import type { ServedDm, ServedGroup } from "./served.ts";
import type { Switchboard } from "./switchboard.ts";
import { fromTabError } from "./values.ts";

type Method = (...args: readonly unknown[]) => Promise<unknown>;

/** Makes the objects of one tab that stand for those of the client. */
export interface Facade {
  object<T>(target: Target): T;
  conversation(facts: ConversationFacts): ServedGroup | ServedDm;
}

export function createFacade(board: Switchboard, clock: Clock): Facade {
  const known = new Map<string, { facts: ConversationFacts; readonly proxy: object }>();

  function learn(facts: ConversationFacts | undefined): void {
    const conversation = facts && known.get(facts.id);
    if (conversation) conversation.facts = facts;
  }

  function conversation(facts: ConversationFacts): ServedGroup | ServedDm {
    const found = known.get(facts.id);
    if (found) {
      found.facts = facts;
      return found.proxy as ServedGroup | ServedDm;
    }
    const target: Target = { kind: "conversation", id: facts.id };
    const proxy = objectOf(target, (name) => {
      const { type, values } = known.get(facts.id)?.facts ?? facts;
      if (name === "type") return { value: type };
      return name in values ? { value: values[name] } : undefined;
    });
    known.set(facts.id, { facts, proxy });
    return proxy as ServedGroup | ServedDm;
  }

  function valueOf(value: TabValue): unknown {
    switch (value.kind) {
      case "plain":
        return value.value;
      case "conversation":
        return conversation(value.facts);
      case "conversations":
        return value.facts.map(conversation);
      case "stream":
        return undefined;
    }
  }

  async function call(target: Target, method: string, args: readonly unknown[]): Promise<unknown> {
    const answer = await board.call(target, method, args);
    if (answer.kind === "error") throw fromTabError(answer.error);
    learn(answer.about);
    return valueOf(answer.value);
  }

  /** Callbacks stay in this tab; the values come to them from wherever the leader is. */
  async function stream(
    target: Target,
    method: string,
    options: StreamOptions = {},
  ): Promise<AsyncStreamProxy<unknown>> {
    const source = createStream<unknown>(options);
    const catchUp = await createCatchUp(target, method, options, call, clock);
    let delivering: Promise<void> = Promise.resolve();
    const next = (work: () => Promise<void> | void): void => {
      delivering = delivering.then(work).catch((error: unknown) => source.fail(error));
    };
    const deliver = (value: unknown): void => {
      if (catchUp?.isNew(value) ?? true) source.push(value);
    };
    const listener = {
      event(event: StreamEvent): void {
        next(async () => {
          if (event.kind === "value") {
            learn(event.about);
            deliver(valueOf(event.value));
          } else if (event.kind === "restart") options.onRestart?.();
          else if (event.kind === "fail") source.fail(fromTabError(event.error));
          else await source.proxy.end();
        });
      },
      reopened(): void {
        next(async () => {
          for (const value of (await catchUp?.missed()) ?? []) deliver(value);
          options.onRestart?.();
        });
      },
    };
    const plain = Object.fromEntries(
      Object.entries(options).filter(([, value]) => typeof value !== "function"),
    );
    const { answer, end } = await board.stream({ target, method, args: [plain] }, listener);
    if (answer.kind === "error") throw fromTabError(answer.error);
    source.signal.addEventListener("abort", end, { once: true });
    return source.proxy;
  }

  function objectOf(
    target: Target,
    property: (name: string) => { readonly value: unknown } | undefined,
  ): object {
    const methods = new Map<string, Method>();
    return new Proxy(Object.freeze({}), {
      get(_, name) {
        // A promise is asked for `then`; these objects are none.
        if (typeof name !== "string" || name === "then") return undefined;
        const found = property(name);
        if (found) return found.value;
        let method = methods.get(name);
        if (!method) {
          method = name.startsWith("stream")
            ? (options) => stream(target, name, options as StreamOptions)
            : (...args) => call(target, name, args);
          methods.set(name, method);
        }
        return method;
      },
    });
  }

  return {
    object: <T>(target: Target) => objectOf(target, () => undefined) as T,
    conversation,
  };
}
