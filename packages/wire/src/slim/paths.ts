/** gRPC method paths of SLIM (specification 1). */
export const slimPaths = {
  openChannel: "/dataplane.proto.v1.DataPlaneService/OpenChannel",
} as const;
