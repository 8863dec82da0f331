#!/usr/bin/env node
// The built page in a real Chromium against our node: alone, with the command line, with the released SDK, in two tabs.
//   node apps/chat/e2e/run.mjs [--shots FOLDER]
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { launchChromium } from "../../../tools/lib/chromium.mjs";
import { serve } from "../serve.mjs";
import { createChecks, eventually, same } from "../../../tools/lib/checks.mjs";
import { freePort } from "../../../tools/lib/free-port.mjs";
import {
  addressOf,
  createConversation,
  createIdentity,
  hears,
  leads,
  openConversation,
  openTab,
  say,
  texts,
} from "./page.mjs";
import { cliUser, sdkUser, startNode } from "./programs.mjs";
import { checkPasskey } from "./passkey.mjs";
import { checkStorage } from "./storage.mjs";
import { checkTransport } from "./transport.mjs";

const { values } = parseArgs({ options: { shots: { type: "string" } } });
const folder = mkdtempSync(join(tmpdir(), "coterie-chat-"));
const { check, counts } = createChecks();
const problems = [];
const secrets = ["Quiet stairs", "who is in for the lake", "me, said the command line"];
let node;
let chat;
let browser;
try {
  // The node must know the page's origin and the page the node's address: the port is found first.
  const port = await freePort();
  const passkeyPort = await freePort();
  node = await startNode(join(folder, "node"), [
    `http://127.0.0.1:${port}`,
    `http://localhost:${passkeyPort}`,
  ]);
  chat = await serve({ nodeUrl: node.url, port });
  browser = await launchChromium({ userDataDir: join(folder, "profile") });
  await story(browser.context);
  await checkStorage(browser.context, check);
  await checkTransport(browser.context, check);
  await checkPasskey(browser.context, check, { apiUrl: node.url, port: passkeyPort });
} catch (error) {
  await check("the story came to its end", () => Promise.reject(error));
} finally {
  await browser?.close();
  await chat?.close();
  if (browser) await check("nothing that was said is readable in the browser's files", noTraces);
  if (node) {
    await check("the node had nothing to complain about and stops cleanly", async () => {
      same(await node.stop(), 0, "exit code");
      same(node.complaints, [], "complaints");
    });
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
console.log(`${counts.passed} passed, ${counts.failed} failed`);
// The SDK's native threads would keep the process.
process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);

async function story(context) {
  const shot = async (page, name) => {
    if (!values.shots) return;
    mkdirSync(values.shots, { recursive: true });
    await page.screenshot({ path: join(values.shots, `${name}.png`) });
  };
  const cli = cliUser(join(folder, "cli"), node.url);
  let page = await openTab(context, chat.url, problems);
  let address;
  let cliInfo;
  let groupId;

  await check("a person makes an identity", async () => {
    await page.getByRole("button", { name: "Create an identity" }).waitFor();
    await shot(page, "1-welcome");
    address = await createIdentity(page);
    if (!/^0x[0-9a-f]{40}$/.test(address)) throw new Error(address);
    same(await leads(page), true, "the only tab leads");
  });
  await check("the command line writes to the page, in a group that it made", async () => {
    cliInfo = await cli("init");
    const group = await cli("groups", "create", address, "--name", "From the shell");
    await cli("send", group.id, "hello page");
    await openConversation(page, "From the shell");
    await hears(page, "hello page");
    await say(page, "hello shell");
    await eventually("the answer", async () =>
      (await cli("read", group.id)).some(({ content }) => content === "hello shell"),
    );
  });
  await check("the page makes a group with the command line, and they talk", async () => {
    await createConversation(page, secrets[0], [cliInfo.identifier]);
    await say(page, secrets[1]);
    await hears(page, secrets[1]);
    const group = (await cli("groups")).find(({ name }) => name === secrets[0]);
    groupId = group.id;
    await eventually("what the page said", async () =>
      (await cli("read", groupId)).some(({ content }) => content === secrets[1]),
    );
    await cli("send", groupId, secrets[2]);
    await hears(page, secrets[2]);
    same(await texts(page), secrets.slice(1), "messages in order");
    await page.getByText(`You added ${short(cliInfo.identifier)}`).waitFor();
  });
  await check("the members are listed, the maker as super admin", async () => {
    await page.getByRole("button", { name: "Members" }).click();
    const members = page.getByRole("complementary", { name: "Members" });
    await members.getByText("2 members").waitFor();
    await members.getByText("super admin").waitFor();
    await shot(page, "2-group");
  });
  await check("a direct conversation with the command line", async () => {
    await createConversation(page, "", [cliInfo.inboxId]);
    await say(page, "only for you");
    await eventually("the direct message", async () => {
      const [dm] = await cli("dms");
      return dm && (await cli("read", dm.id)).some(({ content }) => content === "only for you");
    });
  });
  await check(
    "somebody who cannot be reached, and words that are no address, are told so",
    async () => {
      for (const [people, words] of [
        [`0x${"00".repeat(20)}`, "Nobody can be reached"],
        ["ben", "no address"],
      ]) {
        await page.getByRole("button", { name: "New", exact: true }).click();
        await page.getByLabel("Name of the group").fill("x");
        await page.getByLabel("People").fill(people);
        await page.getByRole("button", { name: "Create", exact: true }).click();
        await page.getByRole("alert").filter({ hasText: words }).waitFor();
        await page.getByRole("button", { name: "Cancel" }).click();
      }
    },
  );

  const sdk = await sdkUser(node.url);
  if (sdk) {
    await check(
      "an unmodified SDK client and the page talk in a group of either's making",
      async () => {
        const theirs = await sdk.conversations.createGroupWithIdentifiers(
          [{ identifier: address, identifierKind: 0 }],
          { groupName: "From the SDK" },
        );
        await theirs.sendText("hello from the SDK");
        await openConversation(page, "From the SDK");
        await hears(page, "hello from the SDK");
        await say(page, "hello SDK");
        await eventually("the answer at the SDK", async () => {
          await theirs.sync();
          return (await theirs.messages()).some(({ content }) => content === "hello SDK");
        });
        await createConversation(page, "For the SDK", [sdk.wallet.address]);
        await say(page, "do you read me");
        const ours = await eventually("the group at the SDK", async () => {
          await sdk.conversations.sync();
          return (await sdk.conversations.listGroups()).find(({ name }) => name === "For the SDK");
        });
        await eventually("the message at the SDK", async () => {
          await ours.sync();
          return (await ours.messages()).some(({ content }) => content === "do you read me");
        });
        await ours.sendText("loud and clear");
        await hears(page, "loud and clear");
      },
    );
  } else console.log("skipped an unmodified SDK client: interop/ is not installed");

  await check(
    "after a reload the identity, the groups and what was said are there, and it goes on",
    async () => {
      await page.reload();
      same(await addressOf(page), address, "address");
      await openConversation(page, secrets[0]);
      await hears(page, secrets[2]);
      same(await texts(page), secrets.slice(1), "messages after the reload");
      await cli("send", groupId, "after the reload");
      await hears(page, "after the reload");
    },
  );

  const second = await openTab(context, chat.url, problems);
  await check(
    "a second tab is served by the first, and both show what is said in either",
    async () => {
      same(await addressOf(second), address, "address in the second tab");
      same([await leads(page), await leads(second)], [true, false], "who leads");
      await openConversation(second, secrets[0]);
      await hears(second, "after the reload");
      await say(second, "from the second tab");
      for (const tab of [page, second]) await hears(tab, "from the second tab");
      await cli("send", groupId, "to both tabs");
      for (const tab of [page, second]) await hears(tab, "to both tabs");
      same(await texts(second), await texts(page), "messages of both tabs");
      await shot(second, "3-second-tab");
    },
  );
  await check(
    "the leading tab crashes: the other takes over, nothing is lost, nothing comes twice",
    async () => {
      const before = await texts(second);
      const crashed = page.waitForEvent("crash");
      const session = await context.newCDPSession(page);
      void session.send("Page.crash").catch(() => {});
      await crashed;
      await cli("send", groupId, "while nobody led");
      await say(second, "from who is left");
      await hears(second, "while nobody led");
      await eventually("the second tab to lead", () => leads(second));
      await eventually("what the second tab said", async () =>
        (await cli("read", groupId)).some(({ content }) => content === "from who is left"),
      );
      await cli("send", groupId, "and on it goes");
      await hears(second, "and on it goes");
      const after = await texts(second);
      same(
        after.toSorted(),
        [...before, "while nobody led", "from who is left", "and on it goes"].toSorted(),
        "messages of the tab that is left",
      );
      const read = (await cli("read", groupId)).filter(({ kind }) => kind === "application");
      same(
        read.map(({ content }) => content).toSorted(),
        after.toSorted(),
        "the same at the other end",
      );
    },
  );
  await page.close();
  page = second;

  await check(
    "offline: what is said goes out, once, when the network is back, and what was missed comes",
    async () => {
      const before = (await texts(page)).length;
      await context.setOffline(true);
      await say(page, "said into the void");
      const notice = page.getByRole("alert").filter({ hasText: "Not sent yet" });
      await notice.waitFor({ timeout: 30_000 });
      await cli("send", groupId, "said meanwhile");
      await context.setOffline(false);
      await hears(page, "said meanwhile");
      const atTheOtherEnd = async () =>
        (await cli("read", groupId))
          .map(({ content }) => content)
          .filter((text) => text === "said into the void" || text === "said meanwhile");
      await eventually("both at the other end", async () => (await atTheOtherEnd()).length >= 2);
      same((await atTheOtherEnd()).length, 2, "messages at the other end, each once");
      await notice.waitFor({ state: "detached" });
      await eventually("both on the page", async () => (await texts(page)).length === before + 2);
    },
  );
  await check("a narrow window shows one thing at a time, and the way back", async () => {
    await page.setViewportSize({ width: 390, height: 780 });
    await page.getByRole("button", { name: "Back to the list" }).waitFor();
    await shot(page, "4-narrow");
    await page.getByRole("button", { name: "Back to the list" }).click();
    await page.getByRole("navigation").waitFor();
    await shot(page, "5-narrow-list");
    await page.setViewportSize({ width: 1280, height: 720 });
  });
  await check("a page of another origin is refused by the node", async () => {
    const other = createServer((_, response) => response.end("<!doctype html>")).listen(
      0,
      "127.0.0.1",
    );
    await new Promise((resolve) => other.once("listening", resolve));
    const stranger = await context.newPage();
    await stranger.goto(`http://127.0.0.1:${other.address().port}`);
    const outcome = await stranger.evaluate(
      (url) =>
        fetch(`${url}/grpc.health.v1.Health/Check`, {
          method: "POST",
          headers: { "content-type": "application/grpc-web+proto" },
          body: new Uint8Array(5),
        }).then(
          () => "answered",
          () => "refused",
        ),
      node.url,
    );
    await stranger.close();
    other.close();
    same(outcome, "refused", "a call from elsewhere");
  });
  await check("the page broke no policy and threw nothing", async () => {
    same(
      problems.filter(
        (line) => !/ERR_(?:CONNECTION|FAILED|INTERNET_DISCONNECTED|NETWORK)/.test(line),
      ),
      [],
      "problems",
    );
  });
}

function short(id) {
  return `${id.slice(0, 6)}…${id.slice(-4)}`;
}

/** Searches every file of the profile. */
async function noTraces() {
  const profile = join(folder, "profile");
  const hits = [];
  for (const entry of readdirSync(profile, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const content = readFileSync(path);
    for (const secret of secrets) {
      if (content.includes(secret) || content.includes(Buffer.from(secret, "utf16le"))) {
        hits.push(`${secret} in ${path.slice(profile.length)}`);
      }
    }
  }
  same(hits, [], "texts found");
}
