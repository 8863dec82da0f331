import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Answers, Ask, FromActor, Opened } from "./protocol.ts";

interface Refusal {
  readonly code: string;
  readonly reason: string;
}
type Outcome<T> =
  | { readonly kind: "done"; readonly value: T; readonly tookMs: number }
  | ({ readonly kind: "refused"; readonly tookMs: number } & Refusal);

interface Heard {
  readonly groupId: string;
  readonly text: string;
  readonly at: number;
}

const program = fileURLToPath(new URL("./actor-main.js", import.meta.url));

/** The stage's handle on one person: their process, what they hold on disk, and what they heard. */
export class Actor {
  readonly name: string;
  readonly folder: string;
  readonly #wallet = randomBytes(32).toString("hex");
  readonly #dbKey = randomBytes(32).toString("hex");
  readonly #apiUrl: string;
  readonly #waiting = new Map<number, (message: FromActor) => void>();
  readonly #heard: Heard[] = [];
  readonly #listeners = new Set<() => void>();
  #child: ChildProcess | undefined;
  #next = 1;
  #me: Opened | undefined;

  constructor(name: string, options: { readonly apiUrl: string; readonly root: string }) {
    this.name = name;
    this.#apiUrl = options.apiUrl;
    this.folder = join(options.root, name.toLowerCase());
    mkdirSync(this.folder, { recursive: true });
  }

  get inboxId(): string {
    return this.#me?.inboxId ?? "";
  }

  get address(): string {
    return this.#me?.address ?? "";
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the process and opens the client: registers the first time, resumes from the same database afterwards. */
  async start(): Promise<number> {
    const child = fork(program, [], { serialization: "advanced" });
    this.#child = child;
    child.on("message", (message: FromActor) => this.#receive(message));
    child.once("exit", () => this.#lost());
    const { value, tookMs } = await this.do({
      op: "open",
      apiUrl: this.#apiUrl,
      folder: this.folder,
      wallet: this.#wallet,
      dbKey: this.#dbKey,
    });
    this.#me = value;
    return tookMs;
  }

  /** Asks and takes no for an answer. */
  ask<A extends Ask>(ask: A): Promise<Outcome<Answers[A["op"]]>> {
    const id = this.#next++;
    return new Promise((resolve) => {
      this.#waiting.set(id, (message) => {
        if (message.kind === "answer") {
          resolve({
            kind: "done",
            value: message.value as Answers[A["op"]],
            tookMs: message.tookMs,
          });
        } else if (message.kind === "refusal") {
          resolve({
            kind: "refused",
            code: message.code,
            reason: message.reason,
            tookMs: message.tookMs,
          });
        }
      });
      if (!this.#child?.connected) this.#lost();
      else this.#child.send({ id, ask });
    });
  }

  /** Asks for what must succeed. */
  async do<A extends Ask>(ask: A): Promise<{ value: Answers[A["op"]]; tookMs: number }> {
    const outcome = await this.ask(ask);
    if (outcome.kind === "done") return outcome;
    throw new Error(`${this.name} could not ${ask.op}: ${outcome.code}: ${outcome.reason}`);
  }

  /** When the text arrived on this actor's stream, or undefined if it did not within the time. */
  async hears(text: string, withinMs: number): Promise<number | undefined> {
    const find = () => this.#heard.find((heard) => heard.text === text)?.at;
    const found = find();
    if (found !== undefined) return found;
    return new Promise((resolve) => {
      const settle = (at: number | undefined) => {
        clearTimeout(timer);
        this.#listeners.delete(listener);
        resolve(at);
      };
      const timer = setTimeout(() => settle(undefined), withinMs);
      const listener = () => {
        const at = find();
        if (at !== undefined) settle(at);
      };
      this.#listeners.add(listener);
    });
  }

  hasHeard(text: string): boolean {
    return this.#heard.some((heard) => heard.text === text);
  }

  /** As a power cut would: no warning, no clean-up. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    await this.ask({ op: "close" });
    const timer = setTimeout(() => child.kill("SIGKILL"), 2_000);
    await gone;
    clearTimeout(timer);
  }

  #receive(message: FromActor): void {
    if (message.kind === "heard") {
      this.#heard.push(message);
      for (const listener of this.#listeners) listener();
      return;
    }
    this.#waiting.get(message.id)?.(message);
    this.#waiting.delete(message.id);
  }

  #lost(): void {
    for (const [id, settle] of this.#waiting) {
      settle({
        kind: "refusal",
        id,
        code: "cli/process-gone",
        reason: "the process is gone",
        tookMs: 0,
      });
    }
    this.#waiting.clear();
  }
}
