// Numbers as in the native bindings, and as there also the other way: `SessionType[1]` is "Group".

/** The names of the numbers. */
export type EnumNames = Readonly<Record<number, string | undefined>>;

export function withNames<const Values extends Readonly<Record<string, number>>>(
  values: Values,
): Values & EnumNames {
  const names = Object.entries(values).map(([name, value]) => [value, name] as const);
  return { ...Object.fromEntries(names), ...values } as Values & EnumNames;
}

const sessionTypeValues = { PointToPoint: 0, Group: 1 } as const;
/** What a session is between. */
export const SessionType: typeof sessionTypeValues & EnumNames = withNames(sessionTypeValues);
export type SessionType = (typeof sessionTypeValues)[keyof typeof sessionTypeValues];

const closeModeValues = { Soft: 0, Hard: 1 } as const;
/** Soft: offline, and back with `rejoin()`; groups only (SHB-10). Hard: for good. */
export const CloseMode: typeof closeModeValues & EnumNames = withNames(closeModeValues);
export type CloseMode = (typeof closeModeValues)[keyof typeof closeModeValues];

const directionValues = { Send: 0, Recv: 1, Bidirectional: 2, None: 3 } as const;
/** What an app does with data in all its sessions (SSN-10). */
export const Direction: typeof directionValues & EnumNames = withNames(directionValues);
export type Direction = (typeof directionValues)[keyof typeof directionValues];

const participantStatusValues = { Online: 0, Offline: 1 } as const;
export const ParticipantStatus: typeof participantStatusValues & EnumNames =
  withNames(participantStatusValues);
export type ParticipantStatus =
  (typeof participantStatusValues)[keyof typeof participantStatusValues];

const transportProtocolValues = { Grpc: 0, Websocket: 1 } as const;
export const TransportProtocol: typeof transportProtocolValues & EnumNames =
  withNames(transportProtocolValues);
export type TransportProtocol =
  (typeof transportProtocolValues)[keyof typeof transportProtocolValues];

const compressionTypeValues = {
  Gzip: 0,
  Zlib: 1,
  Deflate: 2,
  Snappy: 3,
  Zstd: 4,
  Lz4: 5,
  None: 6,
  Empty: 7,
} as const;
/** Only `None` and `Empty` work: peers that compress are refused. */
export const CompressionType: typeof compressionTypeValues & EnumNames =
  withNames(compressionTypeValues);
export type CompressionType = (typeof compressionTypeValues)[keyof typeof compressionTypeValues];
