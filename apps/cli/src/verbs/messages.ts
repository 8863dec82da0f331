import { SortDirection } from "@coterie/client";
import type { DecodedMessage } from "@coterie/client";
import { CliError } from "../errors.ts";
import { findConversation } from "../find.ts";
import type { Verbs } from "../verbs.ts";
import { short } from "../output.ts";
import { messageJson, messageLine } from "../show.ts";

function parseCount(name: string, text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count < 1)
    throw new CliError("cli/bad-argument", `${name} must be a number above 0, not ${text}`);
  return count;
}

export function addMessageVerbs({ program, withClient }: Verbs): void {
  program
    .command("send")
    .description("send a text")
    .argument("<conversation>", "id, the start of it, or a person for direct messages")
    .argument("<text...>", "what to say; - reads it from standard input")
    .action(
      withClient(async ({ client, output }, conversation: string, words: string[]) => {
        const text = words.length === 1 && words[0] === "-" ? await readInput() : words.join(" ");
        const found = await findConversation(client, conversation);
        // What happened since the last command decides who can read it.
        if (found.isActive) await found.sync();
        const id = await found.sendText(text);
        output.result({ id, conversationId: found.id }, [id]);
      }),
    );

  program
    .command("read")
    .description("show messages, the newest last")
    .argument("<conversation>", "id, the start of it, or a person for direct messages")
    .option("--limit <number>", "so many of the newest", "50")
    .option("--offline", "only what is here already")
    .action(
      withClient(async ({ client, output }, text: string, options: Record<string, string>) => {
        const limit = parseCount("--limit", options["limit"] as string);
        const found = await findConversation(client, text);
        if (found.isActive && !options["offline"]) await found.sync();
        const newest = await found.messages({ limit, direction: SortDirection.Descending });
        const messages = newest.toReversed();
        output.result(
          messages.map(messageJson),
          messages.map((message) => messageLine(message, client.inboxId)),
        );
      }),
    );

  program
    .command("watch")
    .description("show messages as they come, one a line, until interrupted")
    .argument("[conversation]", "only this one; otherwise all")
    .option("--count <number>", "end after so many")
    .action(
      withClient(
        async ({ client, output }, text: string | undefined, options: Record<string, string>) => {
          const most =
            options["count"] === undefined ? undefined : parseCount("--count", options["count"]);
          const found = text === undefined ? undefined : await findConversation(client, text);
          const stream = await (found ? found.stream() : client.conversations.streamAllMessages());
          const end = (): void => void stream.end();
          for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end);
          const show = (message: DecodedMessage): void => {
            const prefix = found ? "" : `${short(message.conversationId)} `;
            output.result(messageJson(message), [messageLine(message, client.inboxId, prefix)]);
          };
          let seen = 0;
          for await (const message of stream) {
            show(message);
            seen += 1;
            if (seen === most) break;
          }
        },
      ),
    );
}

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8").replace(/\n$/, "");
}
