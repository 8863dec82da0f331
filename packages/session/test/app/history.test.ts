import { Name, SessionError, SessionType } from "@coterie/session/node";
import type { HistoricMessage } from "@coterie/session/node";
import { afterEach, expect, test } from "vitest";
import { createNode, text, words } from "./node.ts";

let node: ReturnType<typeof createNode>;
afterEach(async () => node.close());

async function group(enableMls: boolean) {
  node = createNode();
  const [alice, bob, carol] = await Promise.all(
    ["alice", "bob", "carol"].map((name) => node.app(name)),
  );
  const { session } = await alice!.app.createSession(
    { sessionType: SessionType.Group, enableMls, interval: 500, maxRetries: 5 },
    new Name("agntcy", "ns", "chat"),
  );
  const join = async (one: NonNullable<typeof bob>) => {
    const [joined] = await Promise.all([
      one.app.listenForSession(10_000),
      session.inviteAndWait(one.name),
    ]);
    return joined;
  };
  return { alice: alice!, bob: bob!, carol: carol!, session, join };
}

const told = (messages: readonly HistoricMessage[]): string[] =>
  messages.map((one) => `${one.sourceName}: ${words(one)}`);

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "none",
    (error: unknown) => (error instanceof SessionError ? error.code : String(error)),
  );

test.each([true, false])(
  "who comes later gets what was said before from a member that keeps it and gives it, with MLS %s",
  async (enableMls) => {
    const { alice, bob, carol, session, join } = await group(enableMls);
    const asked: string[] = [];
    alice.app.keepHistory({
      mayHave({ member, limit }) {
        asked.push(`${member} ${limit}`);
        return true;
      },
    });
    const bobs = await join(bob);
    await session.publishAndWait(text("one"), "text/plain", { topic: "lunch" });
    await bobs.publishAndWait(text("two"));
    await bobs.publishToAndWait({ sourceName: alice.app.name() }, text("for alice alone"));
    await session.publishAndWait(text("three"));
    const carols = await join(carol);
    await session.publishAndWait(text("four"));
    expect(words(await carols.getMessage(5_000))).toBe("four");

    const all = await carols.history();
    expect(told(all)).toEqual([
      "agntcy/ns/alice: one",
      "agntcy/ns/bob: two",
      "agntcy/ns/alice: three",
      "agntcy/ns/alice: four",
    ]);
    expect(all[0]).toMatchObject({ payloadType: "text/plain", messageId: 1 });
    expect(all[0]!.metadata.get("topic")).toBe("lunch");
    expect(String(all[0]!.toldBy)).toBe("agntcy/ns/alice");
    expect(told(await carols.history({ limit: 2, from: alice.name }))).toEqual([
      "agntcy/ns/alice: three",
      "agntcy/ns/alice: four",
    ]);
    expect(await carols.history({ since: all.at(-1)!.time })).toEqual([]);
    expect(asked[0]).toBe("agntcy/ns/carol 100");
    // the application sees nothing of it
    expect(words(await session.getMessage(5_000))).toBe("two");
    expect(words(await session.getMessage(5_000))).toBe("for alice alone");
    expect(await codeOf(session.getMessage(50))).toBe("session/timeout");
    expect(await codeOf(carols.getMessage(50))).toBe("session/timeout");
  },
);

test("nothing is kept or given by default, to whom the policy denies it, nor of a pair", async () => {
  const { alice, bob, session, join } = await group(true);
  const bobs = await join(bob);
  await session.publishAndWait(text("one"));
  expect(await codeOf(bobs.history())).toBe("session/refused");
  alice.app.keepHistory({ mayHave: () => false });
  await session.publishAndWait(text("two"));
  expect(await codeOf(bobs.history())).toBe("session/refused");
  alice.app.keepHistory({ mayHave: () => Promise.reject(new Error("policy")) });
  expect(await codeOf(bobs.history())).toBe("session/refused");
  expect(await codeOf(bobs.history({ limit: 0 }))).toBe("session/bad-argument");
  expect(await codeOf(bobs.history({ from: new Name("agntcy", "ns", "nobody") }))).toBe(
    "session/unknown-member",
  );
  const aborted = AbortSignal.abort(new Error("enough"));
  expect(await codeOf(bobs.history({ signal: aborted }))).toBe("Error: enough");
  const { session: pair, completion } = await alice.app.createSession(
    { sessionType: SessionType.PointToPoint, enableMls: true, interval: 500, maxRetries: 5 },
    bob.name,
  );
  await completion;
  expect(await codeOf(pair.history())).toBe("session/not-a-group");
});
