import { BytesError, fromHex, toHex } from "./bytes.ts";

declare const brand: unique symbol;
/** A string that says in its type what it names. */
export type Branded<Name extends string> = string & { readonly [brand]: Name };

/** Hex (lower case) of an MLS group id; 32 digits on the XMTP wire. */
export type GroupId = Branded<"GroupId">;
/** 64 lower-case hex digits: one person, whatever their wallets and devices (XID-01). */
export type InboxId = Branded<"InboxId">;
/** 64 lower-case hex digits: the Ed25519 key of one app instance. */
export type InstallationId = Branded<"InstallationId">;
/** 64 lower-case hex digits: SHA-256 over group, key and content (XMS-03). */
export type MessageId = Branded<"MessageId">;

type HexId = GroupId | InboxId | InstallationId | MessageId;

/** The bytes an id was written from. */
export function idBytes(id: HexId): Uint8Array<ArrayBuffer> {
  return fromHex(id);
}

/** Writes bytes as the hex id of the caller's kind. */
export function idFromBytes<Id extends HexId>(bytes: Uint8Array): Id {
  return toHex(bytes) as string as Id;
}

/** Reads a 32-byte id written in hex; throws `base/bad-hex` on any other shape. Upper case is folded. */
export function parseId<Id extends HexId>(text: string): Id {
  if (!/^[0-9a-fA-F]{64}$/.test(text)) throw new BytesError("hex");
  return text.toLowerCase() as Id;
}
