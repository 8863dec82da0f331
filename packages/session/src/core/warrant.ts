import { fromBase64Url, fromUtf8, toBase64Url, toUtf8 } from "@coterie/base";
import { decompressP256, labels } from "@coterie/crypto";
import { appIdOf, refused } from "./mls-profile.ts";
import type { Context, Session, Warrant } from "./model.ts";

/** Where a JOIN_REQUEST of a successor carries what it was given. */
export const successionKey = "slim.succession";
const maxLength = 256 * 1024;
const maxWarrants = 1024;

type Said = Omit<Warrant, "signer" | "token" | "signature">;

export function signWarrant(context: Context, session: Session, said: Said): Warrant {
  const { crypto, identity } = context.parts;
  return {
    ...said,
    signer: session.source.key,
    token: identity.token(),
    signature: crypto.sign("p256", identity.keys.privateKey, signedBytes(said)),
  };
}

/** Whether the member that it names has signed it. Its key is the one that its messages came with; else the one in a token of now. */
export function isSigned(context: Context, session: Session, warrant: Warrant): boolean {
  const { crypto, verifier } = context.parts;
  const member = session.roster.get(warrant.signer);
  if (member === undefined) return false;
  let key =
    warrant.signer === session.source.key ? context.parts.identity.keys.publicKey : member.key;
  if (key === undefined) {
    const token = verifier.verify(warrant.token);
    if (appIdOf(token) !== member.name.name.id) return false;
    key = token.publicKey;
  }
  const point = key && decompressP256(key);
  return (
    point !== undefined && crypto.verify("p256", point, signedBytes(warrant), warrant.signature)
  );
}

export function encodeWarrants(warrants: readonly Warrant[]): string {
  return toBase64Url(
    toUtf8(
      JSON.stringify(
        warrants.map((one) => ({
          ...one,
          epoch: one.epoch.toString(),
          signature: toBase64Url(one.signature),
        })),
      ),
    ),
  );
}

/** Throws `session/refused` where it has another form. */
export function decodeWarrants(text: string): readonly Warrant[] {
  let values: unknown;
  try {
    values = text.length > maxLength ? undefined : JSON.parse(fromUtf8(fromBase64Url(text)));
  } catch {
    values = undefined;
  }
  if (!Array.isArray(values) || values.length === 0 || values.length > maxWarrants) {
    throw refused("warrant");
  }
  return values.map(warrantOf);
}

function warrantOf(value: unknown): Warrant {
  if (typeof value !== "object" || value === null) throw refused("warrant");
  const { kind, session, from, successor, epoch, commitId, issuedAt, signer, token, signature } =
    value as Record<string, unknown>;
  if (
    (kind !== "handover" && kind !== "vote") ||
    !isNumber(session) ||
    !isNumber(commitId) ||
    !isNumber(issuedAt) ||
    !isText(from) ||
    !isText(successor) ||
    !isText(signer) ||
    !isText(token) ||
    !isText(signature) ||
    !isText(epoch) ||
    !/^\d{1,20}$/.test(epoch)
  ) {
    throw refused("warrant");
  }
  let bytes: Uint8Array;
  try {
    bytes = fromBase64Url(signature);
  } catch {
    throw refused("warrant");
  }
  return {
    kind,
    session,
    from,
    successor,
    epoch: BigInt(epoch),
    commitId,
    issuedAt,
    signer,
    token,
    signature: bytes,
  };
}

function signedBytes({
  kind,
  session,
  from,
  successor,
  epoch,
  commitId,
  issuedAt,
}: Said): Uint8Array {
  return toUtf8(
    `${labels.slimSuccession}\n${JSON.stringify([
      kind,
      session,
      from,
      successor,
      epoch.toString(),
      commitId,
      issuedAt,
    ])}`,
  );
}

const isNumber = (value: unknown): value is number => Number.isSafeInteger(value);
const isText = (value: unknown): value is string => typeof value === "string";
