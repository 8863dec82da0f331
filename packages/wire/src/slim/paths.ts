/** gRPC method paths of SLIM (specification 1). */
export const slimPaths = {
  openChannel: "/dataplane.proto.v1.DataPlaneService/OpenChannel",
} as const;

/** Of a controller, towards its nodes, and of a node's own controller service (SCT-01, SCT-06). */
export const southboundPaths = {
  openControlChannel: "/controller.proto.v1.ControllerService/OpenControlChannel",
} as const;

/** Of a controller, towards operators (SCT-08); the last six are those of 1.4 (SCT-20). */
export const northboundPaths = {
  listNodeRoutes: "/controlplane.proto.v1.ControlPlaneService/ListNodeRoutes",
  listConnections: "/controlplane.proto.v1.ControlPlaneService/ListConnections",
  listNodes: "/controlplane.proto.v1.ControlPlaneService/ListNodes",
  listRoutes: "/controlplane.proto.v1.ControlPlaneService/ListRoutes",
  listLinks: "/controlplane.proto.v1.ControlPlaneService/ListLinks",
  listSegments: "/controlplane.proto.v1.ControlPlaneService/ListSegments",
  addSegment: "/controlplane.proto.v1.ControlPlaneService/AddSegment",
  removeSegment: "/controlplane.proto.v1.ControlPlaneService/RemoveSegment",
  addTopologyLink: "/controlplane.proto.v1.ControlPlaneService/AddTopologyLink",
  removeTopologyLink: "/controlplane.proto.v1.ControlPlaneService/RemoveTopologyLink",
  listDomains: "/controlplane.proto.v1.ControlPlaneService/ListDomains",
  addDomain: "/controlplane.proto.v1.ControlPlaneService/AddDomain",
  removeDomain: "/controlplane.proto.v1.ControlPlaneService/RemoveDomain",
  createChannel: "/controlplane.proto.v1.ControlPlaneService/CreateChannel",
  deleteChannel: "/controlplane.proto.v1.ControlPlaneService/DeleteChannel",
  addParticipant: "/controlplane.proto.v1.ControlPlaneService/AddParticipant",
  deleteParticipant: "/controlplane.proto.v1.ControlPlaneService/DeleteParticipant",
  listChannels: "/controlplane.proto.v1.ControlPlaneService/ListChannels",
  listParticipants: "/controlplane.proto.v1.ControlPlaneService/ListParticipants",
} as const;

/** Of a channel manager (SCM-01). */
export const channelManagerPaths = {
  createChannel: "/channel_manager.proto.v1.ChannelManagerService/CreateChannel",
  deleteChannel: "/channel_manager.proto.v1.ChannelManagerService/DeleteChannel",
  addParticipant: "/channel_manager.proto.v1.ChannelManagerService/AddParticipant",
  deleteParticipant: "/channel_manager.proto.v1.ChannelManagerService/DeleteParticipant",
  listChannels: "/channel_manager.proto.v1.ChannelManagerService/ListChannels",
  listParticipants: "/channel_manager.proto.v1.ChannelManagerService/ListParticipants",
} as const;
