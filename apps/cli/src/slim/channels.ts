import type { Command } from "commander";
import {
  Ack,
  AddParticipantRequest,
  DeleteChannelRequest,
  DeleteParticipantRequest,
  ListChannelsRequest,
  ListChannelsResponse,
  ListParticipantsRequest,
  ListParticipantsResponse,
} from "@coterie/wire/slim/controller";
import {
  CreateChannelRequest,
  CreateChannelResponse,
  northboundPaths,
} from "@coterie/wire/slim/controlplane";
import { CliError } from "../errors.ts";
import { harmless } from "../output.ts";
import type { Output } from "../output.ts";
import { refused } from "./operator.ts";
import type { Operator } from "./operator.ts";

/** SND-08: `controller channel …` and `controller participant …`, in the words of SLIM 1.0 (specification 10.2). */
export function addChannelVerbs(controller: Command, { calling }: Operator): void {
  const channel = controller.command("channel").description("create, delete and list channels");

  channel
    .command("create")
    .argument("<moderators>", "moderators=org/ns/app/id[,…]")
    .description("create a channel whose moderator is the app named first")
    .action(
      calling("controller", async ({ output, calls }, text: string) => {
        const { channelName } = await calls.unary(
          northboundPaths.createChannel,
          [CreateChannelRequest, { moderators: parseModerators(text) }],
          CreateChannelResponse,
        );
        output.result({ channel: channelName }, [`Received response: ${harmless(channelName)}`]);
      }),
    );

  channel
    .command("delete")
    .argument("<channel>", "name of the channel")
    .description("close a channel for all its participants")
    .action(
      calling("controller", async ({ output, calls }, channelName: string) => {
        const request = DeleteChannelRequest.create({ channelName });
        const answer = await calls.unary(
          northboundPaths.deleteChannel,
          [DeleteChannelRequest, request],
          Ack,
        );
        succeeded(answer, "failed to delete channel");
        output.result({ channel: channelName, deleted: true }, [
          `Channel deleted successfully with ID: ${channelName}`,
        ]);
      }),
    );

  channel
    .command("list")
    .alias("ls")
    .description("list channels")
    .action(
      calling("controller", async ({ output, calls }) => {
        const { channelName } = await calls.unary(
          northboundPaths.listChannels,
          [ListChannelsRequest, {}],
          ListChannelsResponse,
        );
        output.result({ channels: channelName }, [
          `Following channels found: ${list(channelName)}`,
        ]);
      }),
    );

  const participant = controller
    .command("participant")
    .description("add, delete and list participants of a channel");
  const channelOption = ["-c, --channel-id <channel>", "name of the channel"] as const;
  interface Options {
    readonly channelId: string;
    readonly all?: boolean;
  }

  participant
    .command("add")
    .argument("<participant>", "org/ns/app, or org/ns/app/id for one instance")
    .requiredOption(...channelOption)
    .description("invite an app into a channel")
    .action(
      calling(
        "controller",
        async ({ output, calls }, participantName: string, options: Options) => {
          const { channelId } = options;
          say(output, `Adding participant to channel ID ${channelId}: ${participantName}`);
          const answer = await calls.unary(
            northboundPaths.addParticipant,
            [
              AddParticipantRequest,
              AddParticipantRequest.create({ channelName: channelId, participantName }),
            ],
            Ack,
          );
          succeeded(answer, "failed to add participants");
          output.result({ channel: channelId, participant: participantName, added: true }, [
            `Participant added successfully to channel ID ${channelId}: ${participantName}`,
          ]);
        },
      ),
    );

  participant
    .command("delete")
    .argument("<participant>", "org/ns/app, or org/ns/app/id for one instance")
    .requiredOption(...channelOption)
    .description("remove an app from a channel")
    .action(
      calling(
        "controller",
        async ({ output, calls }, participantName: string, options: Options) => {
          const { channelId } = options;
          say(output, `Deleting participant from channel ID ${channelId}: ${participantName}`);
          const answer = await calls.unary(
            northboundPaths.deleteParticipant,
            [
              DeleteParticipantRequest,
              DeleteParticipantRequest.create({ channelName: channelId, participantName }),
            ],
            Ack,
          );
          succeeded(answer, "failed to delete participant");
          output.result({ channel: channelId, participant: participantName, deleted: true }, [
            `Participant deleted successfully from channel ID ${channelId}: ${participantName}`,
          ]);
        },
      ),
    );

  participant
    .command("list")
    .alias("ls")
    .requiredOption(...channelOption)
    .option("-a, --all", "the controller too, where it moderates")
    .description("list participants of a channel")
    .action(
      calling("controller", async ({ output, calls }, { channelId, all }: Options) => {
        say(output, `Listing participants for channel ID: ${channelId}`);
        const { participantName } = await calls.unary(
          northboundPaths.listParticipants,
          [ListParticipantsRequest, { channelName: channelId }],
          ListParticipantsResponse,
          all ? { "x-coterie-list": "all" } : {},
        );
        output.result({ channel: channelId, participants: participantName }, [
          `Following participants found for channel ID ${channelId}: ${list(participantName)}`,
        ]);
      }),
    );
}

/** What is printed before the call is made; not in JSON, which is one value. */
function say(output: Output, line: string): void {
  if (!output.json) output.result(undefined, [line]);
}

/** The names of `moderators=name1,name2`. Throws `cli/bad-argument` in the words of specification 10.2. */
function parseModerators(text: string): readonly string[] {
  const [keyword, names, ...more] = text.split("=");
  if (names === undefined || more.length > 0) {
    throw new CliError(
      "cli/bad-argument",
      `invalid syntax: expected 'moderators=moderator1,moderator2', got '${text}'`,
    );
  }
  if (keyword !== "moderators") {
    throw new CliError(
      "cli/bad-argument",
      `invalid syntax: expected keyword 'moderators', got '${keyword}'`,
    );
  }
  // None at all is the server's to refuse, in its words.
  return names
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

function succeeded(answer: Ack, otherwise: string): void {
  if (answer.success) return;
  throw refused(
    answer.messages.length > 0 ? answer.messages.join("; ") : `${otherwise}: unsuccessful response`,
  );
}

/** As Go prints a slice. */
function list(names: readonly string[]): string {
  return `[${names.map(harmless).join(" ")}]`;
}
