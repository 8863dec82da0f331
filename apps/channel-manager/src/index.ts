// Channels that a process moderates for others: the parts that a channel manager and a controller are made of.
export { ChannelManagerError } from "./errors.ts";
export type { ChannelManagerErrorCode } from "./errors.ts";
export type { ChannelHost, ChannelOptions, HostedMember, HostedSession } from "./host.ts";
export { openHostedChannels } from "./hosted-channels.ts";
export type { HostedChannels } from "./hosted-channels.ts";
export { channelManagerRoutes } from "./service.ts";
export type { ChannelManagerParts } from "./service.ts";
export { readManagerConfig } from "./config.ts";
export type {
  ConfiguredChannel,
  ManagerConfig,
  ManagerIdentity,
  ManagerPersistence,
} from "./config.ts";
export { startConfiguredChannels } from "./configured.ts";
export type { ConfiguredChannels, ConfiguredChannelsOptions } from "./configured.ts";
export { sessionHost } from "./session-host.ts";
export { clientConfig, startChannelManager } from "./start.ts";
export type { RunningChannelManager } from "./start.ts";
