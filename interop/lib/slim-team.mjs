import { assert } from "./check.mjs";
import { host } from "./slim-hosts.mjs";

/**
 * A group: its moderator, and members in the order in which they were invited. `kinds` are those of the moderator and of the members; every app
 * has a connection of its own to `url`.
 */
export async function openTeam({ kinds, url, names = ["ann", "bob", "cid", "dan"], ...config }) {
  const apps = await Promise.all(
    kinds.map(async (kind, at) => (await host(kind)).app(names[at] ?? `member-${at}`, { url })),
  );
  const [moderator, ...members] = apps;
  const session = await moderator.group("chat", config);
  const sessions = [session];
  for (const member of members) sessions.push(await join(session, member));
  return {
    apps,
    sessions,
    moderator,
    session,
    /** The moderator's connection stays for other sessions; everything of this one ends. */
    async end() {
      await session.delete();
      for (const app of apps) await app.disconnect().catch(() => {});
    },
  };
}

/** Invites an app and gives its side of the session, once both say so. */
export async function join(session, app) {
  const joining = app.listen();
  joining.catch(() => {});
  await session.invite(app);
  return joining;
}

/**
 * Everyone hears these words next, from the sender. Where they begin with a tag (`7: hello`), what has none or another one is passed over: it
 * belongs to a check before.
 */
export async function allHear(sessions, sender, words) {
  const tag = /^\d+: /.exec(words)?.[0] ?? "";
  for (const session of sessions) {
    let item;
    do item = await session.read();
    while (tag !== "" && !item.text?.startsWith(tag) && !/closed/.test(item.error ?? ""));
    assert.deepEqual(
      { from: item.from, text: item.text, error: item.error },
      { from: sender.name, text: words, error: undefined },
    );
  }
}

/** The session ends next; what else lies there is passed over. */
export async function isClosed(session) {
  let item;
  do item = await session.read();
  while (item.error === undefined || !/session closed/.test(item.error));
}
