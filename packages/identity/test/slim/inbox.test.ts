import { toBase64Url, toUtf8 } from "@coterie/base";
import type { InboxId } from "@coterie/base";
import { labels } from "@coterie/crypto";
import { expect, test } from "vitest";
import { installationFromSeed, installationMember, memberKey } from "../../src/index.ts";
import type { AssociationState } from "../../src/index.ts";
import { createInboxIdentity, createInboxVerifier } from "../../src/slim/index.ts";
import { eachProvider } from "../world.ts";

const start = 1_700_000_000;
const at = (seconds: number) => {
  const clock = { seconds, nowNs: () => BigInt(clock.seconds) * 1_000_000_000n };
  return clock;
};
const refusal = (reason: string) =>
  expect.objectContaining({
    code: "identity/bad-token",
    details: expect.objectContaining({ reason }),
  });
const inboxId = "a".repeat(64) as InboxId;

eachProvider((crypto) => {
  const installation = installationFromSeed(crypto, new Uint8Array(32).fill(5));
  const other = installationFromSeed(crypto, new Uint8Array(32).fill(6));
  const stateWith = (...installations: (typeof installation)[]): AssociationState =>
    ({
      inboxId,
      members: new Map(
        installations.map(({ id }) => [
          memberKey(installationMember(id)),
          { id: installationMember(id) },
        ]),
      ),
    }) as unknown as AssociationState;
  const world = (state: AssociationState | undefined) => {
    const clock = at(start);
    const inbox = { state, asked: 0, down: false };
    const verifier = createInboxVerifier({
      crypto,
      clock,
      lookup: async () => {
        inbox.asked += 1;
        if (inbox.down) throw new Error("away");
        return inbox.state;
      },
    });
    const judge = async (token: string) => {
      await verifier.prepare?.(token);
      return verifier.verify(token);
    };
    return { clock, inbox, verifier, judge };
  };

  test("SID-08: one person in both worlds: the base id is the inbox id", async () => {
    const { clock, inbox, verifier, judge } = world(stateWith(installation));
    const identity = createInboxIdentity({ crypto, clock, inboxId, installation });
    const token = identity.token();
    expect(() => verifier.verify(token)).toThrow(refusal("not-prepared"));
    await Promise.all([verifier.prepare?.(token), verifier.prepare?.(token)]);
    expect(verifier.verify(token)).toEqual({
      tokenId: identity.tokenId,
      baseId: inboxId,
      expiresAt: start + 3600,
      publicKey: identity.keys.publicKey,
    });
    expect(verifier.prepare?.(token)).toBeUndefined();
    expect(inbox.asked).toBe(1);
    // two instances of one installation are two apps of one person
    const second = createInboxIdentity({ crypto, clock, inboxId, installation });
    expect(second.tokenId).not.toBe(identity.tokenId);
    expect((await judge(second.token())).baseId).toBe(inboxId);
    // and one that was stored comes back as it was
    const { tokenId, keys } = identity;
    const again = createInboxIdentity({ crypto, clock, inboxId, installation, tokenId, keys });
    expect(again.tokenId).toBe(tokenId);
    expect(() =>
      createInboxIdentity({ crypto, clock, inboxId, installation, tokenId: "b_12345678" }),
    ).toThrow(expect.objectContaining({ code: "identity/bad-identifier" }));
  });

  test("SID-03, SID-04: tokens serve a minute and are good for an hour", async () => {
    const { clock, judge } = world(stateWith(installation));
    const identity = createInboxIdentity({ crypto, clock, inboxId, installation });
    const token = identity.token();
    clock.seconds += 59;
    expect(identity.token()).toBe(token);
    clock.seconds += 1;
    expect(identity.token()).not.toBe(token);
    clock.seconds = start + 3600;
    await judge(token);
    clock.seconds += 1;
    await expect(judge(token)).rejects.toEqual(refusal("expired"));
    clock.seconds = start - 6;
    await expect(judge(token)).rejects.toEqual(refusal("from-the-future"));
  });

  test("SID-08: a revoked installation is out once its inbox is looked up again", async () => {
    const { clock, inbox, judge } = world(stateWith(installation));
    const { token } = createInboxIdentity({ crypto, clock, inboxId, installation });
    await judge(token());
    inbox.state = stateWith(other);
    clock.seconds += 60;
    await judge(token());
    clock.seconds += 1;
    await expect(judge(token())).rejects.toEqual(refusal("not-an-installation"));
    inbox.state = undefined;
    clock.seconds += 61;
    await expect(judge(token())).rejects.toEqual(refusal("not-an-installation"));
    // who cannot be asked vouches for nobody
    inbox.state = stateWith(installation);
    inbox.down = true;
    clock.seconds += 61;
    await expect(judge(token())).rejects.toEqual(refusal("not-prepared"));
    inbox.down = false;
    expect((await judge(token())).baseId).toBe(inboxId);
  });

  test("SID-08: forged tokens look up nothing", async () => {
    const { clock, inbox, verifier, judge } = world(stateWith(installation));
    const identity = createInboxIdentity({ crypto, clock, inboxId, installation });
    const token = identity.token();
    const [form, body, tag] = token.split(".") as [string, string, string];
    const said = JSON.parse(atob(body.replaceAll("-", "+").replaceAll("_", "/"))) as object;
    const put = (more: object) => toBase64Url(toUtf8(JSON.stringify({ ...said, ...more })));
    const signed = (more: object, context: string = labels.slimInboxToken) => {
      const text = `${form}.${put(more)}`;
      const made = crypto.ed25519phSign(installation.privateKey, toUtf8(text), toUtf8(context));
      return `${text}.${toBase64Url(made)}`;
    };
    for (const [forged, reason] of [
      [`${form}.${put({ sub: `${"b".repeat(64)}_12345678` })}.${tag}`, "signature"],
      [`${form}.${put({ installation: other.id })}.${tag}`, "signature"],
      [`${form}.${body}.${tag.slice(0, -8)}AAAAAAAA`, "signature"],
      // a signature for the public, or under an identity update, is none for a session
      [signed({}, labels.publicSignatureContext), "signature"],
      [signed({}, labels.identityUpdateContext), "signature"],
      [signed({ sub: inboxId }), "claims"],
      [signed({ sub: "alice_12345678" }), "claims"],
      [signed({ pubkey: undefined }), "claims"],
      [signed({ exp: "late" }), "claims"],
      [`inbox2.${body}.${tag}`, "form"],
      [`${token}.more`, "form"],
      [`${form}.${"A".repeat(9000)}.${tag}`, "too-long"],
    ] as const) {
      await expect(judge(forged)).rejects.toEqual(refusal(reason));
    }
    for (let length = 0; length < token.length; length += 1) {
      const cut = token.slice(0, length);
      expect(() => verifier.verify(cut)).toThrow(
        expect.objectContaining({ code: "identity/bad-token" }),
      );
    }
    expect(inbox.asked).toBe(0);
    // a life of its own choice does not make a token last
    const eternal = signed({ exp: start + 1e6 });
    clock.seconds += 3601;
    await expect(judge(eternal)).rejects.toEqual(refusal("expired"));
    // an installation of another inbox cannot speak for this one
    const thief = createInboxIdentity({ crypto, clock, inboxId, installation: other });
    await expect(judge(thief.token())).rejects.toEqual(refusal("not-an-installation"));
  });
});
