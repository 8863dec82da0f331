// What applications notice: how long until a publish is acknowledged by all, and how many a second. The publisher has a process of its own, the
// others share one.
import { openHost } from "../../../interop/lib/slim-hosts.mjs";

/** `members` of a session, the publisher included; 2 is a point-to-point one. */
export const talks = [2, 3, 20].flatMap((members) =>
  [100, undefined].map((mls) => ({ members, mls })),
);

/** A session over a node between apps of one kind; the first of them publishes. */
export async function openTalk(kind, url, { members, mls }) {
  const [publishing, listening] = await Promise.all([openHost(kind), openHost(kind)]);
  const config = { mls, interval: 5000, retries: 10 };
  const ann = await publishing.app("ann", { url });
  const others = [];
  for (let at = 1; at < members; at += 1) others.push(await listening.app(`member-${at}`, { url }));
  let session;
  if (members === 2) {
    const joining = others[0].listen();
    session = await ann.direct(others[0], config);
    await (await joining).drop();
  } else {
    session = await ann.group("chat", config);
    for (const other of others) {
      const joining = other.listen();
      await session.invite(other);
      await (await joining).drop();
    }
  }
  return {
    /** Milliseconds of each publish until all have acknowledged it, one after another, for a while. */
    acked: (bytes, ms) => session.publishOften({ size: bytes, ms, warmUp: 20 }),
    /** Acknowledged messages a second, with as many under way as there may be, after as long a time that does not count. */
    async pipelined(bytes, ms) {
      await session.pipeline({ size: bytes, ms, window: 256 });
      return session.pipeline({ size: bytes, ms, window: 256 });
    },
    pids: [publishing.pid, listening.pid],
    end: () => Promise.all([publishing.kill(), listening.kill()]),
  };
}
