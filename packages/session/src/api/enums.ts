// Numbers as in the native bindings.

/** What a session is between. */
export const SessionType = { PointToPoint: 0, Group: 1 } as const;
export type SessionType = (typeof SessionType)[keyof typeof SessionType];

/** Soft: offline, and back with `rejoin()`; groups only (SHB-10). Hard: for good. */
export const CloseMode = { Soft: 0, Hard: 1 } as const;
export type CloseMode = (typeof CloseMode)[keyof typeof CloseMode];

/** What an app does with data in all its sessions (SSN-10). */
export const Direction = { Send: 0, Recv: 1, Bidirectional: 2, None: 3 } as const;
export type Direction = (typeof Direction)[keyof typeof Direction];

export const ParticipantStatus = { Online: 0, Offline: 1 } as const;
export type ParticipantStatus = (typeof ParticipantStatus)[keyof typeof ParticipantStatus];

export const TransportProtocol = { Grpc: 0, Websocket: 1 } as const;
export type TransportProtocol = (typeof TransportProtocol)[keyof typeof TransportProtocol];

/** Only `None` and `Empty` work: peers that compress are refused. */
export const CompressionType = {
  Gzip: 0,
  Zlib: 1,
  Deflate: 2,
  Snappy: 3,
  Zstd: 4,
  Lz4: 5,
  None: 6,
  Empty: 7,
} as const;
export type CompressionType = (typeof CompressionType)[keyof typeof CompressionType];
