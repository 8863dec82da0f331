import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Actor } from "./actor.ts";
import { short } from "../output.ts";
import { filesHolding } from "./evidence.ts";
import { startNodeProcess } from "./node-process.ts";
import type { Look } from "./protocol.ts";
import { Transcript } from "./transcript.ts";

export interface DemoOptions {
  /** Leaves the data folder in place. */
  readonly keep: boolean;
  readonly out: NodeJS.WritableStream;
}

/** Plays the demo and says whether all that it promises held; the value is the exit code. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const root = mkdtempSync(join(tmpdir(), "coterie-demo-"));
  const paper = new Transcript(options.out);
  const started = performance.now();
  const node = await startNodeProcess(join(root, "node"));
  const cast = ["Ada", "Ben", "Cleo", "Dan"].map(
    (name) => new Actor(name, { apiUrl: node.url, root }),
  );
  try {
    paper.title("Coterie: a conversation that only its members can read");
    paper.by("node", `serves at ${node.url} (process ${node.pid})`, ms(node.startedInMs));
    await play(paper, root, cast as [Actor, Actor, Actor, Actor]);
  } catch (error) {
    paper.check(
      "the story came to its end",
      false,
      error instanceof Error ? error.message : String(error),
    );
  } finally {
    await Promise.all(cast.map((actor) => actor.stop()));
    await node.stop();
    if (options.keep) paper.line(`\n  kept: ${root}`);
    else rmSync(root, { recursive: true, force: true });
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  paper.line();
  paper.line(
    paper.broken === 0
      ? `  All of it held, in ${seconds} s.`
      : `  NOT all of it held, in ${seconds} s.`,
  );
  paper.line(`${paper.held} passed, ${paper.broken} failed`);
  return paper.broken === 0 ? 0 : 1;
}

async function play(
  paper: Transcript,
  root: string,
  [ada, ben, cleo, dan]: readonly [Actor, Actor, Actor, Actor],
): Promise<void> {
  const names = new Map<string, string>();
  const registered = await Promise.all([ada, ben, cleo, dan].map((actor) => actor.start()));
  for (const [index, actor] of [ada, ben, cleo, dan].entries()) {
    names.set(actor.inboxId, actor.name);
    paper.by(
      actor.name,
      `inbox ${short(actor.inboxId)}, wallet ${short(actor.address)} (process ${actor.pid})`,
      ms(registered[index] as number),
    );
  }
  const who = (look: Look) =>
    look.members
      .map((id) => names.get(id) ?? "somebody")
      .toSorted()
      .join(", ");

  /** Says a line and waits until those who may hear it have. */
  const say = async (speaker: Actor, text: string, to: readonly Actor[]) => {
    const { value } = await speaker.do({ op: "send", groupId, text });
    const arrivals = await Promise.all(
      to.map(async (actor) => ({ name: actor.name, at: await actor.hears(text, 5_000) })),
    );
    const heard = arrivals.flatMap(({ name, at }) =>
      at === undefined ? [] : [`${name} ${ms(at - value.sentAt)}`],
    );
    paper.by(speaker.name, `“${text}”`, heard.join(", "));
    const deaf = arrivals.filter(({ at }) => at === undefined).map(({ name }) => name);
    if (deaf.length > 0) paper.check("everyone hears it", false, `${deaf.join(", ")} did not`);
  };
  const look = async (actor: Actor) => (await actor.do({ op: "look", groupId })).value;

  paper.scene("Ada starts a group with Ben and Cleo");
  const created = await ada.do({
    op: "create-group",
    name: "Sunday ride",
    inboxIds: [ben.inboxId, cleo.inboxId],
  });
  const { groupId } = created.value;
  paper.by("Ada", "creates “Sunday ride”", ms(created.tookMs));
  for (const actor of [ben, cleo]) {
    const { name, members } = await look(actor);
    paper.check(
      `${actor.name} finds it: “${name}” with ${members.length} members`,
      name === "Sunday ride" && members.length === 3,
    );
  }
  const early = [
    "Who is in for Sunday?",
    "Me. The lake and back?",
    "In. I bring the coffee.",
  ] as const;
  await say(ada, early[0], [ben, cleo]);
  await say(ben, early[1], [ada, cleo]);
  await say(cleo, early[2], [ada, ben]);
  const spoken = await Promise.all([ada, ben, cleo].map(look));
  paper.check(
    "Ada, Ben and Cleo read the same three lines in the same order",
    spoken.every(({ texts }) => same(texts, early)),
  );

  paper.scene("Dan joins late");
  const added = await ada.do({ op: "add", groupId, inboxId: dan.inboxId });
  paper.by("Ada", "adds Dan", ms(added.tookMs));
  const danFirst = await look(dan);
  paper.check(`Dan is in: ${who(danFirst)}`, danFirst.members.length === 4);
  paper.check(
    "Dan cannot read what was said before",
    danFirst.texts.length === 0,
    danFirst.texts.join(" | "),
  );
  await Promise.all([ben, cleo].map(look));
  const late = ["Welcome, Dan. Nine at the bridge.", "Nine it is."] as const;
  await say(ben, late[0], [ada, cleo, dan]);
  await say(dan, late[1], [ada, ben, cleo]);
  paper.check("Dan reads what is said from now on", same((await look(dan)).texts, late));

  paper.scene("Cleo tries what the policy forbids");
  const asks = [
    ["to remove Ben", { op: "remove", groupId, inboxId: ben.inboxId }],
    ["to make herself super admin", { op: "promote", groupId, inboxId: cleo.inboxId }],
    ["to remove Ada, who is super admin", { op: "remove", groupId, inboxId: ada.inboxId }],
  ] as const;
  for (const [what, ask] of asks) {
    const outcome = await cleo.ask(ask);
    paper.by("Cleo", `tries ${what}`, ms(outcome.tookMs));
    const refused =
      outcome.kind === "refused" && outcome.code === "client/insufficient-permissions";
    paper.check(
      refused ? `refused: ${outcome.reason}` : "refused",
      refused,
      JSON.stringify(outcome),
    );
  }
  const renamed = await cleo.do({ op: "rename", groupId, name: "Sunday ride, 9:00" });
  paper.by("Cleo", "renames the group, which members may", ms(renamed.tookMs));
  const seenByAda = await look(ada);
  paper.check(
    `Ada sees “${seenByAda.name}” and still four members`,
    seenByAda.name === "Sunday ride, 9:00" && seenByAda.members.length === 4,
  );

  paper.scene("Ada removes Ben");
  await Promise.all([ben, dan].map(look));
  const removed = await ada.do({ op: "remove", groupId, inboxId: ben.inboxId });
  paper.by("Ada", "removes Ben", ms(removed.tookMs));
  await Promise.all([cleo, dan].map(look));
  const secret = "New place: the old mill. Ben must not know.";
  await say(ada, secret, [cleo, dan]);
  const benAfter = await look(ben);
  paper.check(
    "Ben cannot read what came after",
    !benAfter.texts.includes(secret) && !ben.hasHeard(secret),
  );
  paper.check(
    "Ben keeps what he had read, and knows that he is out",
    same(benAfter.texts, [...early, ...late]) && !benAfter.active,
  );
  const benSends = await ben.ask({ op: "send", groupId, text: "Am I still here?" });
  paper.check(
    `Ben cannot write any more (${benSends.kind === "refused" ? benSends.code : "he could"})`,
    benSends.kind === "refused" && benSends.code === "client/group-inactive",
  );

  paper.scene("Cleo's process is killed, and comes back");
  await cleo.kill();
  paper.by("Cleo", "is gone: SIGKILL, nothing was saved on purpose");
  const missed = ["Is Cleo there?", "Her phone died, I think."] as const;
  await say(ada, missed[0], [dan]);
  await say(dan, missed[1], [ada]);
  const again = await cleo.start();
  paper.by("Cleo", `is back from her encrypted database (process ${cleo.pid})`, ms(again));
  const cleoBack = await look(cleo);
  paper.check(
    "Cleo has every line again, those she missed included, each once",
    same(cleoBack.texts, [...early, ...late, secret, ...missed]),
    cleoBack.texts.join(" | "),
  );
  const back = "Back. See you at the mill.";
  await say(cleo, back, [ada, dan]);

  paper.scene("What everyone holds in the end");
  const [a, c, d] = (await Promise.all([ada, cleo, dan].map(look))) as [Look, Look, Look];
  paper.check(
    `Ada, Cleo and Dan stand in the same epoch (${a.epoch}) of “${a.name}” with the same members`,
    a.epoch === c.epoch &&
      a.epoch === d.epoch &&
      who(a) === who(c) &&
      who(a) === who(d) &&
      a.members.length === 3,
  );
  const all = [...early, ...late, secret, ...missed, back];
  paper.check("Ada and Cleo hold all nine lines", same(a.texts, all) && same(c.texts, all));
  paper.check("Dan holds the six since he joined", same(d.texts, all.slice(3)));
  const evidence = filesHolding(root, all);
  paper.check(
    `none of the nine lines stands readable in the node's or anybody's ${evidence.files} files (${evidence.kilobytes} kB)`,
    evidence.hits.length === 0,
    evidence.hits.join(", "),
  );
}

const same = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((text, index) => text === b[index]);
const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
