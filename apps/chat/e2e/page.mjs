// What a person does with the page, by the words and roles that they see.
import { eventually } from "../../../tools/lib/checks.mjs";

/** A page of the chat in a tab of its own. Everything that goes wrong in it is collected. */
export async function openTab(context, url, problems) {
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on("pageerror", (error) => problems.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`console: ${message.text()}`);
  });
  await page.goto(url);
  return page;
}

export async function createIdentity(page) {
  await page.getByRole("button", { name: "Create an identity" }).click();
  return addressOf(page);
}

export async function addressOf(page) {
  return page.getByTestId("address").getAttribute("data-full");
}

export async function leads(page) {
  return (await page.getByTestId("tab").getAttribute("data-leads")) === "true";
}

export async function createConversation(page, name, people) {
  await page.getByRole("button", { name: "New", exact: true }).click();
  await page.getByLabel("Name of the group").fill(name);
  await page.getByLabel("People").fill(people.join("\n"));
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByLabel("Write a message").waitFor();
}

export async function openConversation(page, name) {
  await page.getByRole("navigation").getByRole("button", { name }).first().click();
  await page.getByLabel("Write a message").waitFor();
}

export async function say(page, text) {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByRole("button", { name: /^Send/ }).click();
}

/** Texts of messages, without changes of the group, in their order. */
export function texts(page) {
  return page.locator(".message p").allTextContents();
}

export function hears(page, text) {
  return eventually(`“${text}” on the page`, async () => (await texts(page)).includes(text));
}
