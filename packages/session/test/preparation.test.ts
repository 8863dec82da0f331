import { Message, SessionMessageType } from "@coterie/wire/slim";
import type { Publish } from "@coterie/wire/slim";
import { expect, test } from "vitest";
import { createPreparation } from "../src/runtime/preparation.ts";
import { tokensOf } from "../src/runtime/tokens.ts";
import { createWorld } from "./world.ts";

/** What two apps say to each other while one joins the other's group. */
function talk(mls: boolean): readonly Publish[] {
  const world = createWorld();
  const [alice, bob] = [world.app("agntcy/ns/alice"), world.app("agntcy/ns/bob")];
  const settings = mls ? { mls: { headerIntegrityPercent: 100 } } : {};
  const { session } = alice.create(
    { reliability: { intervalMs: 1000, maxRetries: 5 }, ...settings },
    "a/b/c",
  );
  const invite = alice.invite(session, bob.name);
  world.until(() => alice.outcome(invite) !== undefined);
  return world.log.map(({ publish }) => publish);
}
const withToken = (publish: Publish, identity: string): Publish => {
  const { header } = publish;
  return header === undefined ? publish : { ...publish, header: { ...header, identity } };
};

test("SML-20: the token in an offered leaf is prepared with the message that brings it", () => {
  const of = (said: readonly Publish[], type: number) =>
    said.find(({ session }) => session?.sessionMessageType === type) as Publish;
  const reply = of(talk(true), SessionMessageType.joinReply);
  const own = reply.header?.identity ?? "";
  // minted in the same minute it is the same one
  expect(tokensOf(reply)).toEqual([own]);
  expect(tokensOf(withToken(reply, "another"))).toEqual(["another", own]);
  expect(tokensOf(of(talk(false), SessionMessageType.joinReply))).toHaveLength(1);
  expect(tokensOf(of(talk(true), SessionMessageType.groupWelcome))).toHaveLength(1);
  // damage is the core's to refuse
  const bytes = Message.encode({
    metadata: new Map(),
    messageType: { kind: "publish", value: reply },
  });
  for (let at = 0; at < bytes.length; at += 7) {
    const damaged = Uint8Array.from(bytes);
    damaged[at] = 0xff;
    try {
      const { messageType } = Message.decode(damaged);
      if (messageType.kind === "publish") tokensOf(messageType.value);
    } catch (error) {
      expect(error).toMatchObject({ code: expect.stringMatching(/^wire\//) });
    }
  }
});

test("SSN-15: messages wait for their tokens, each source in its order, and no more of them than that", async () => {
  const [first, second] = talk(true) as [Publish, Publish];
  const waits = new Map<string, () => void>();
  const handed: string[] = [];
  let dropped = 0;
  let late: (() => void) | undefined;
  const preparation = createPreparation({
    prepare: (token) =>
      token === "ready" ? undefined : new Promise((resolve) => waits.set(token, resolve)),
    scheduler: { nowMs: () => 0, later: (_, run) => ((late = run), () => undefined) },
    sources: 1,
    messages: 2,
    dropped: () => (dropped += 1),
  });
  const admit = (publish: Publish, token: string) =>
    preparation.admit(withToken(publish, token), () => handed.push(token));
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  expect(admit(first, "ready")).toBe(true);
  expect(admit(first, "slow")).toBe(false);
  // behind it, although there is nothing to wait for
  expect(admit(first, "ready")).toBe(false);
  expect([admit(first, "third"), dropped]).toEqual([false, 1]);
  expect([admit(second, "other"), dropped]).toEqual([false, 2]);
  expect(admit(second, "ready")).toBe(true);
  await settled();
  expect(handed).toEqual([]);
  waits.get("slow")?.();
  await settled();
  expect(handed).toEqual(["slow", "ready"]);
  // what is never ready is judged as it is
  expect(admit(first, "never")).toBe(false);
  late?.();
  await settled();
  expect(handed).toEqual(["slow", "ready", "never"]);
});
