import { Name, SessionType } from "@coterie/session";
import type { App, Session } from "@coterie/session";
import { Service } from "@coterie/session/node";
import { CliError } from "../errors.ts";
import type { Output } from "../output.ts";
import { connectTo, nodeConfig } from "./connect.ts";
import { bytesOf, latencies, reportJson, reportLines } from "./measure.ts";
import type { Sample } from "./measure.ts";
import type { OperatorFlags } from "./target.ts";

export type BenchRole = "sub" | "pub" | "channel-sub" | "channel-pub";

/** What is typed after `bench …`. */
export interface BenchOptions {
  readonly count: string;
  readonly msgs: string;
  readonly size: string;
  readonly secret?: string;
  readonly prefix: string;
  readonly startIndex: string;
  readonly reliable?: boolean;
  readonly request?: boolean;
  readonly reply?: boolean;
}

interface Plan {
  readonly workers: number;
  readonly messages: number;
  readonly size: number;
  readonly first: number;
  readonly named: (app: string) => Name;
  readonly options: BenchOptions;
}

/** Known to everybody: of a load and nothing else. The same as SLIM's own tool has. */
const benchSecret = "my_shared_secret_for_testing_purposes_only";
/** Silence after which a receiver counts what it has. */
const silenceMs = 30_000;
/** How long a receiver that has everything waits for the end. */
const closeMs = 2_000;

/** Runs one side and prints what it measured. */
export async function runBench(
  output: Output,
  role: BenchRole,
  options: BenchOptions,
  flags: OperatorFlags,
): Promise<void> {
  const plan = planOf(options);
  const secret = options.secret ?? (process.env["COTERIE_SLIM_SECRET"] || benchSecret);
  const config = nodeConfig(flags, process.env);
  const services: Service[] = [];
  const open = async (name: string): Promise<App> => {
    const service = new Service(name);
    services.push(service);
    const app = service.createAppWithSecret(plan.named(name), secret);
    await app.subscribe(plan.named(name), await connectTo(service, config));
    return app;
  };
  const roundTrips: number[] = [];
  const isGroup = role.startsWith("channel");
  const indices = Array.from({ length: plan.workers }, (_, at) => plan.first + at);
  const work = async (): Promise<Sample[]> => {
    if (role === "channel-pub") {
      return [await publishToGroup(plan, await open("channel-pub"), indices)];
    }
    return Promise.all(
      indices.map(async (index, at) => {
        const app = await open(`${isGroup ? "channel-sub" : role}-${index}`);
        const share = isGroup ? plan.messages : shareOf(plan, at);
        if (role !== "pub") return receive(plan, app, share);
        return publish(plan, app, plan.named(`sub-${index}`), share, roundTrips);
      }),
    );
  };
  const samples = await work().finally(() =>
    Promise.all(services.map((service) => service.shutdown())),
  );
  const title = role.endsWith("pub") ? "Pub stats" : "Sub stats";
  const found = roundTrips.length === 0 ? undefined : latencies(roundTrips);
  output.result({ ...reportJson(samples), latencyMs: found }, [
    ...reportLines(title, samples),
    ...(found === undefined
      ? []
      : Object.entries(found).map(([rank, ms]) => `  ${rank.padEnd(4)} ${ms.toFixed(3)} ms`)),
  ]);
}

function planOf(options: BenchOptions): Plan {
  const whole = (what: string, text: string, least: number): number => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : -1;
    if (value < least)
      throw new CliError("cli/bad-argument", `${what} must be a number, not '${text}'`);
    return value;
  };
  const size = bytesOf(options.size);
  if (size === undefined) {
    throw new CliError(
      "cli/bad-argument",
      `--size must be like 512 or 16kib, not '${options.size}'`,
    );
  }
  if (!/^[^/]+\/[^/]+$/.test(options.prefix)) {
    throw new CliError("cli/bad-argument", "--prefix must be in org/namespace format");
  }
  return {
    workers: whole("--count", options.count, 1),
    messages: whole("--msgs", options.msgs, 1),
    size,
    first: whole("--start-index", options.startIndex, 0),
    named: (app) => Name.fromString(`${options.prefix}/${app}`),
    options,
  };
}

/** The first workers take what cannot be divided. */
function shareOf({ messages, workers }: Plan, at: number): number {
  return Math.floor(messages / workers) + (at < messages % workers ? 1 : 0);
}

async function publish(
  plan: Plan,
  app: App,
  to: Name,
  share: number,
  roundTrips: number[],
): Promise<Sample> {
  const { reliable = false, request = false } = plan.options;
  const session = await app.createSessionAndWait(
    { sessionType: SessionType.PointToPoint, ...timersOf(reliable) },
    to,
  );
  const sample = await send(plan, session, share, async (payload) => {
    const startedAt = performance.now();
    const handle = await session.publish(payload);
    if (reliable) await handle.wait();
    if (!request) return;
    await session.getMessage(silenceMs);
    roundTrips.push(performance.now() - startedAt);
  });
  await session.closeAndWait().catch(() => {});
  return { ...sample, label: app.name().toString() };
}

async function publishToGroup(plan: Plan, app: App, indices: readonly number[]): Promise<Sample> {
  const { reliable = false } = plan.options;
  const session = await app.createSessionAndWait(
    { sessionType: SessionType.Group, ...timersOf(reliable) },
    plan.named("channel"),
  );
  for (const index of indices) await session.inviteAndWait(plan.named(`channel-sub-${index}`));
  const sample = await send(plan, session, plan.messages, async (payload) => {
    const handle = await session.publish(payload);
    if (reliable) await handle.wait();
  });
  await session.closeAndWait().catch(() => {});
  return { ...sample, label: app.name().toString() };
}

async function send(
  { size }: Plan,
  session: Session,
  share: number,
  one: (payload: Uint8Array) => Promise<void>,
): Promise<Sample> {
  const payload = new Uint8Array(size);
  const startedAt = performance.now();
  let messages = 0;
  while (messages < share && session.closed() === undefined) {
    await one(payload);
    messages += 1;
  }
  return {
    label: "",
    asked: share,
    messages,
    bytes: messages * size,
    startedAt,
    endedAt: performance.now(),
  };
}

async function receive(plan: Plan, app: App, share: number): Promise<Sample> {
  const session = await app.listenForSession();
  let [messages, bytes, startedAt, endedAt] = [0, 0, performance.now(), 0];
  try {
    while (messages < share) {
      const { context, payload } = await session.getMessage(silenceMs);
      if (messages === 0) startedAt = performance.now();
      messages += 1;
      bytes += payload.length;
      endedAt = performance.now();
      if (plan.options.reply === true) await session.publishTo(context, payload);
    }
    // Whoever began it ends it: our leaving would cost both sides more.
    await session.getMessage(closeMs);
  } catch {
    // The publisher has gone, or been silent for too long: what came is what counts.
  }
  return {
    label: app.name().toString(),
    asked: share,
    messages,
    bytes,
    startedAt,
    endedAt: Math.max(startedAt, endedAt),
  };
}

/** Without acknowledgements the receivers' count is the only measure of what arrived (SSN-05). */
function timersOf(reliable: boolean): { maxRetries?: number; interval?: number } {
  return reliable ? { maxRetries: 10, interval: 500 } : {};
}
