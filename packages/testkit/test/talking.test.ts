import { expect, test } from "vitest";
import { createWorld } from "@coterie/testkit";

test("three people talk: created, joined, read by all", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const cy = await world.join("cy");

  const group = await ada.client.conversations.createGroup([bo.client.inboxId, cy.client.inboxId], {
    groupName: "Stairs",
  });
  await group.sendText("hello");

  await bo.client.conversations.sync();
  const [his] = await bo.client.conversations.listGroups();
  expect(his?.name).toBe("Stairs");
  await his?.sync();
  expect((await his?.messages())?.map(({ content }) => content)).toContain("hello");
  await his?.sendText("hi ada");

  await cy.client.conversations.syncAll();
  const [hers] = await cy.client.conversations.listGroups();
  expect((await hers?.messages())?.map(({ content }) => content)).toEqual(
    expect.arrayContaining(["hello", "hi ada"]),
  );
  await group.sync();
  expect((await group.messages()).map(({ content }) => content)).toContain("hi ada");
  expect((await group.members()).length).toBe(3);
  await world.close();
});
