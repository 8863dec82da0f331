import { fromHex, type InstallationId, toHex } from "@coterie/base";
import { IdentifierKind, type MemberIdentifier } from "@coterie/wire";
import { IdentityError } from "./errors.ts";

/** What a person controls. Addresses are lower case with `0x`; keys are lower-case hex. */
export type Identifier =
  | { readonly kind: "ethereum"; readonly address: string }
  | { readonly kind: "passkey"; readonly key: string; readonly relyingParty?: string | undefined };

/** Whatever can be a member of an inbox. */
export type MemberId = Identifier | { readonly kind: "installation"; readonly id: InstallationId };

/** The shape in which apps pass identifiers: kind 0 is Ethereum, 1 a passkey (the numbers of the wire differ). */
export interface PublicIdentifier {
  readonly identifier: string;
  readonly identifierKind: 0 | 1;
}

/** XID-02: 42 characters, `0x`, hex digits; lower-cased here and compared as it is from then on. */
export function parseAddress(text: string): string {
  if (!/^0x[0-9a-fA-F]{40}$/.test(text)) throw badIdentifier("XID-02");
  return text.toLowerCase();
}

/** An Ethereum identifier; throws `identity/bad-identifier` (XID-02). */
export function ethereumIdentifier(address: string): Identifier {
  return { kind: "ethereum", address: parseAddress(address) };
}

/** A passkey identifier from its SEC1 point of 33 or 65 bytes; the two forms are different identifiers (XID-13). */
export function passkeyIdentifier(key: Uint8Array, relyingParty?: string): Identifier {
  const compressed = key.length === 33 && (key[0] === 2 || key[0] === 3);
  if (!compressed && !(key.length === 65 && key[0] === 4)) throw badIdentifier("XID-13");
  return {
    kind: "passkey",
    key: toHex(key),
    ...(relyingParty === undefined ? {} : { relyingParty }),
  };
}

/** Reads an app's identifier; throws `identity/bad-identifier`. */
export function parseIdentifier(from: PublicIdentifier): Identifier {
  if (from.identifierKind === 0) return ethereumIdentifier(from.identifier);
  if (from.identifierKind === 1) return passkeyIdentifier(hexOf(from.identifier));
  throw badIdentifier("XID-02");
}

/** The app's shape of an identifier. */
export function toPublicIdentifier(identifier: Identifier): PublicIdentifier {
  return {
    identifier: identifierText(identifier),
    identifierKind: identifier.kind === "ethereum" ? 0 : 1,
  };
}

/** The installation with this Ed25519 key. */
export function installationMember(id: InstallationId): MemberId {
  return { kind: "installation", id };
}

/** Text in hashes and signing text (XID-01): the address, or the key in hex. */
export function identifierText(member: MemberId): string {
  if (member.kind === "ethereum") return member.address;
  return member.kind === "passkey" ? member.key : member.id;
}

/** Key for maps and equality. Passkeys are told apart by key alone (XID-13). */
export function memberKey(member: MemberId): string {
  return `${member.kind}:${identifierText(member)}`;
}

export function sameMember(a: MemberId, b: MemberId): boolean {
  return memberKey(a) === memberKey(b);
}

/** Number of the wire for an identifier. */
export function identifierKindOf(identifier: Identifier): IdentifierKind {
  return identifier.kind === "ethereum" ? IdentifierKind.ethereum : IdentifierKind.passkey;
}

/**
 * Identifier of a request or an action. Text is taken as it stands, because released clients do: an address in another form is
 * signed for by nobody and so never becomes a member. Kind 0 is Ethereum; unknown kinds throw `identity/bad-identifier`.
 */
export function identifierFromWire(
  text: string,
  kind: IdentifierKind,
  relyingParty?: string,
): Identifier {
  if (kind === IdentifierKind.unspecified || kind === IdentifierKind.ethereum) {
    return { kind: "ethereum", address: text };
  }
  if (kind !== IdentifierKind.passkey) throw badIdentifier("XID-02");
  const key = toHex(hexOf(text));
  return { kind: "passkey", key, ...(relyingParty === undefined ? {} : { relyingParty }) };
}

export function memberFromWire(member: MemberIdentifier | undefined): MemberId {
  switch (member?.kind) {
    case "ethereumAddress":
      return { kind: "ethereum", address: member.value };
    case "installationPublicKey":
      return { kind: "installation", id: toHex(member.value) as InstallationId };
    case "passkey": {
      const { key, relyingParty } = member.value;
      return {
        kind: "passkey",
        key: toHex(key),
        ...(relyingParty === undefined ? {} : { relyingParty }),
      };
    }
    default:
      throw new IdentityError("identity/bad-update", { what: "member" });
  }
}

export function memberToWire(member: MemberId): MemberIdentifier {
  switch (member.kind) {
    case "ethereum":
      return { kind: "ethereumAddress", value: member.address };
    case "installation":
      return { kind: "installationPublicKey", value: fromHex(member.id) };
    case "passkey":
      return {
        kind: "passkey",
        value: { key: fromHex(member.key), relyingParty: member.relyingParty },
      };
  }
}

function hexOf(text: string): Uint8Array {
  try {
    return fromHex(text);
  } catch (error) {
    throw new IdentityError("identity/bad-identifier", { rule: "XID-13" }, error);
  }
}

function badIdentifier(rule: string): IdentityError {
  return new IdentityError("identity/bad-identifier", { rule });
}
