import {
  AddParticipantRequest,
  CommandResponse,
  CreateChannelRequest,
  DeleteChannelRequest,
  DeleteParticipantRequest,
  ListChannelsRequest,
  ListChannelsResponse,
  ListParticipantsRequest,
  ListParticipantsResponse,
  channelManagerPaths,
} from "@coterie/wire/slim/channel-manager";
import { harmless } from "../output.ts";
import { refused } from "./operator.ts";
import type { Operator } from "./operator.ts";

/** SND-08: the commands of a channel manager, in the words of SLIM 2.x (specification 10.2). */
export function addChannelManagerVerbs({ program, calling }: Operator): void {
  const manager = program
    .command("channel-manager")
    .alias("cm")
    .description("channels that a channel manager moderates");

  manager
    .command("create-channel")
    .alias("cc")
    .argument("<channel>", "org/ns/channel")
    .option("--disable-mls", "messages are readable by every node on their way")
    .description("create a channel")
    .action(
      calling("channelManager", async ({ output, calls }, channel: string, options: object) => {
        const mls = !("disableMls" in options);
        const request = { channelName: channel, mlsEnabled: mls };
        succeeded(
          await calls.unary(
            channelManagerPaths.createChannel,
            [CreateChannelRequest, request],
            CommandResponse,
          ),
        );
        output.result({ channel, mls, created: true }, [`Channel ${channel} created successfully`]);
      }),
    );

  manager
    .command("delete-channel")
    .alias("dc")
    .argument("<channel>", "org/ns/channel")
    .description("close a channel for all its participants")
    .action(
      calling("channelManager", async ({ output, calls }, channel: string) => {
        succeeded(
          await calls.unary(
            channelManagerPaths.deleteChannel,
            [DeleteChannelRequest, { channelName: channel }],
            CommandResponse,
          ),
        );
        output.result({ channel, deleted: true }, [`Channel ${channel} deleted successfully`]);
      }),
    );

  manager
    .command("add-participant")
    .alias("ap")
    .argument("<channel>", "org/ns/channel")
    .argument("<participant>", "org/ns/app")
    .description("invite an app into a channel")
    .action(
      calling("channelManager", async ({ output, calls }, channel: string, participant: string) => {
        const request = { channelName: channel, participantName: participant };
        succeeded(
          await calls.unary(
            channelManagerPaths.addParticipant,
            [AddParticipantRequest, request],
            CommandResponse,
          ),
        );
        output.result({ channel, participant, added: true }, [
          `Participant ${participant} added to channel ${channel}`,
        ]);
      }),
    );

  manager
    .command("delete-participant")
    .alias("dp")
    .argument("<channel>", "org/ns/channel")
    .argument("<participant>", "org/ns/app")
    .description("remove an app from a channel")
    .action(
      calling("channelManager", async ({ output, calls }, channel: string, participant: string) => {
        const request = { channelName: channel, participantName: participant };
        succeeded(
          await calls.unary(
            channelManagerPaths.deleteParticipant,
            [DeleteParticipantRequest, request],
            CommandResponse,
          ),
        );
        output.result({ channel, participant, deleted: true }, [
          `Participant ${participant} removed from channel ${channel}`,
        ]);
      }),
    );

  manager
    .command("list-channels")
    .alias("lc")
    .description("list channels")
    .action(
      calling("channelManager", async ({ output, calls }) => {
        const answer = await calls.unary(
          channelManagerPaths.listChannels,
          [ListChannelsRequest, {}],
          ListChannelsResponse,
        );
        listedWell(answer);
        output.result({ channels: answer.channelName }, [
          `Channels (${answer.channelName.length}):`,
          ...answer.channelName.map(item),
        ]);
      }),
    );

  manager
    .command("list-participants")
    .alias("lp")
    .argument("<channel>", "org/ns/channel")
    .description("list participants of a channel, the manager included")
    .action(
      calling("channelManager", async ({ output, calls }, channel: string) => {
        const answer = await calls.unary(
          channelManagerPaths.listParticipants,
          [ListParticipantsRequest, { channelName: channel }],
          ListParticipantsResponse,
        );
        listedWell(answer);
        output.result({ channel, participants: answer.participantName }, [
          `Participants in channel ${channel} (${answer.participantName.length}):`,
          ...answer.participantName.map(item),
        ]);
      }),
    );
}

interface Answer {
  readonly success: boolean;
  readonly errorMsg?: string | undefined;
}

function succeeded({ success, errorMsg = "unknown error" }: Answer): void {
  if (!success) throw refused(`Command failed: ${errorMsg}`);
}

/** Lists fail without the words before. */
function listedWell({ success, errorMsg = "unknown error" }: Answer): void {
  if (!success) throw refused(errorMsg);
}

function item(name: string): string {
  return `  - ${harmless(name)}`;
}
