import { createInterface } from "node:readline";
import { Name, SessionType } from "@coterie/session";
import type { App, Session } from "@coterie/session";
import { Service } from "@coterie/session/node";
import { CliError } from "../errors.ts";
import type { Output } from "../output.ts";
import { connectTo, nodeConfig } from "./connect.ts";
import { createTalk, teller } from "./talk.ts";
import type { Tell } from "./talk.ts";
import type { OperatorFlags } from "./target.ts";

/** What is typed after `slim app`. */
export interface AppOptions {
  readonly local: string;
  readonly secret?: string;
  readonly channel?: string;
  readonly invite?: readonly string[];
  readonly mls: boolean;
  readonly count?: string;
}

/** Until the person goes, or has read enough. */
export async function runApp(
  output: Output,
  options: AppOptions,
  flags: OperatorFlags,
): Promise<void> {
  const secret = options.secret ?? process.env["COTERIE_SLIM_SECRET"];
  if (secret === undefined || secret === "") {
    throw new CliError("cli/bad-argument", "a secret is needed: --secret or COTERIE_SLIM_SECRET");
  }
  // SID-02
  if (Buffer.byteLength(secret) < 32) {
    throw new CliError("cli/bad-argument", "a secret has at least 32 bytes");
  }
  const count = options.count === undefined ? undefined : Number(options.count);
  if (count !== undefined && !(Number.isSafeInteger(count) && count > 0)) {
    throw new CliError("cli/bad-argument", `not a number of messages: ${options.count}`);
  }
  const tell = teller(output);
  const service = new Service("cli");
  try {
    const name = Name.fromString(options.local);
    const app = service.createAppWithSecret(name, secret);
    const connection = await connectTo(service, nodeConfig(flags, process.env));
    await app.subscribe(name, connection);
    await talk(app, options, tell, count);
  } finally {
    await service.shutdown();
  }
}

async function talk(
  app: App,
  options: AppOptions,
  tell: Tell,
  count: number | undefined,
): Promise<void> {
  const ending = new AbortController();
  const stop = (): void => {
    // Whoever does not answer our leaving is not waited for.
    setTimeout(() => process.exit(), 5_000).unref();
    ending.abort();
  };
  let left = count ?? Number.POSITIVE_INFINITY;
  const talking = createTalk(app, tell, () => {
    left -= 1;
    if (left <= 0) stop();
  });
  const own = app.name();
  tell(`${own.toDebugString()}\n${own.toString()}/${app.decimalId()}`, "ready", {
    name: own.toDebugString(),
    decimalName: `${own.toString()}/${app.decimalId()}`,
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop);
  const lines = createInterface({ input: process.stdin });
  let turn = Promise.resolve();
  lines.on("line", (line) => {
    turn = turn.then(async () => {
      if (!(await talking.typed(line))) stop();
    });
  });
  try {
    if (options.channel === undefined) tell("Waiting for session...", "waiting");
    else await found(app, options.channel, options, tell, talking.follow, ending.signal);
    while (!ending.signal.aborted) {
      const session = await app.listenForSession(undefined, { signal: ending.signal });
      const channel = session.destination().toString();
      tell(`Joined ${channel}`, "joined", {
        channel,
        session: session.sessionId(),
        moderator: session.moderator().toDebugString(),
        isModerator: session.isInitiator(),
        metadata: session.metadata(),
      });
      void talking.follow(session);
    }
  } catch (error) {
    if (!ending.signal.aborted) throw error;
  } finally {
    lines.close();
    await turn;
    await talking.leave();
  }
}

async function found(
  app: App,
  text: string,
  { mls, invite = [] }: AppOptions,
  tell: Tell,
  follow: (session: Session) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const session = await app.createSessionAndWait(
    // What the tutorial of SLIM configures, but for the wait: five seconds are long in front of a screen.
    { sessionType: SessionType.Group, enableMls: mls, maxRetries: 5, interval: 1000 },
    Name.fromString(text),
    { signal },
  );
  void follow(session);
  tell(`Created ${text}`, "created", { channel: text, session: session.sessionId(), mls });
  for (const participant of invite) {
    await session.inviteAndWait(Name.fromString(participant), { signal });
    tell(`${app.name().toString()} -> add ${participant} to the group`, "invited", {
      channel: text,
      participant,
    });
  }
}
