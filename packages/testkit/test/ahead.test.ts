import { expect, test } from "vitest";
import type { CryptoProvider } from "@coterie/crypto";
import { openPool } from "@coterie/crypto/pool";
import { createWorld, follow } from "@coterie/testkit";

test("XKP-11, XWL-09: helpers hear of key packages and of seals before they are asked for, and what they say changes nothing", async () => {
  const world = createWorld();
  const heard: string[] = [];
  const helped: CryptoProvider = {
    ...world.crypto,
    ahead: {
      verify: (name, claims) => heard.push(`${name} ${claims.length}`),
      dhEphemeral: (name, keys) => heard.push(`${name} ${keys.length}`),
    },
  };
  const ada = await world.join("ada", { crypto: helped });
  const friends = [];
  for (let i = 0; i < 5; i++) friends.push(await world.join(`friend ${i}`));
  const group = await ada.client.conversations.createGroup(
    friends.map(({ client }) => client.inboxId),
  );
  // Two signatures each; the welcome of each; its wrapper.
  expect(heard.filter((one) => one === "ed25519 10").length).toBe(1);
  expect(heard.filter((one) => one === "x25519 5").length).toBe(2);
  for (const friend of friends) await follow(friend, group.id);
  await world.close();
});

test("XKP-11, XWL-09: a group that threads helped to make is read by everybody", async () => {
  const world = createWorld();
  const pool = await openPool({ crypto: world.crypto, workers: 1 });
  const ada = await world.join("ada", { crypto: pool.crypto });
  const friends = [];
  for (let i = 0; i < 30; i++) friends.push(await world.join(`friend ${i}`));
  const group = await ada.client.conversations.createGroup(
    friends.map(({ client }) => client.inboxId),
  );
  await group.sendText("hello");
  expect(pool.state).toBe("open");
  for (const friend of friends.slice(-2)) {
    const his = await follow(friend, group.id);
    await his.sync();
    expect((await his.messages({ kind: 0 })).map(({ content }) => content)).toEqual(["hello"]);
  }
  await pool.close();
  await world.close();
});
