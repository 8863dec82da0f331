import type { Outcome } from "../core/port.ts";

/** Something asked for that ends once, well or badly. It costs no promise until somebody waits. */
export class Operation {
  #started = false;
  #ended = false;
  #outcome: Outcome | undefined;
  #error: unknown;
  #listeners: (() => void)[] | undefined;

  get started(): boolean {
    return this.#started;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Set once ended badly. */
  get error(): unknown {
    return this.#error;
  }

  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  /** It is under way: accepted and, if it was to be sent, handed over. */
  start(): void {
    if (this.#started || this.#ended) return;
    this.#started = true;
    this.#tell();
  }

  resolve(outcome: Outcome): void {
    if (this.#ended) return;
    this.#started = true;
    this.#ended = true;
    this.#outcome = outcome;
    this.#tell();
  }

  /** Before `start` the asking itself failed. */
  reject(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#tell();
  }

  /** Called at each step from asked to started to ended. Returns how to stop listening. */
  listen(listener: () => void): () => void {
    (this.#listeners ??= []).push(listener);
    return () => {
      this.#listeners = this.#listeners?.filter((other) => other !== listener);
    };
  }

  #tell(): void {
    const listeners = this.#listeners;
    if (listeners === undefined) return;
    if (this.#ended) this.#listeners = undefined;
    for (const listener of listeners) listener();
  }
}
