import { openHostedChannels } from "@coterie/channel-manager";
import type { ChannelHost, HostedSession } from "@coterie/channel-manager";
import { systemClock } from "@coterie/base";
import { opensslProvider as crypto } from "@coterie/crypto/openssl";
import { createSharedSecretIdentity, createSharedSecretVerifier } from "@coterie/identity/slim";
import { createControlServer, signGrant } from "@coterie/session/control";
import type {
  ControlledApp,
  ControlledChannel,
  ControlMessage,
  ControlSession,
} from "@coterie/session/control";
import { formatSlimName, formatSlimService, parseSlimName, slimAppId } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import type { ControllerIdentity } from "../src/channels/granted.ts";

const secret = "0123456789abcdef0123456789abcdef";
const identity = (baseId: string) =>
  createSharedSecretIdentity({ crypto, clock: systemClock, secret, baseId });
type Identity = ReturnType<typeof identity>;
const controllerBase = "agntcy/controller/slim-controller";

/** Two ends that carry messages with tokens. */
function sessionPair(a: Identity, b: Identity): [ControlSession, ControlSession] {
  const inbox: ControlMessage[][] = [[], []];
  const wake = new Set<() => void>();
  const state = { over: false };
  const tell = (): void => {
    for (const one of wake) one();
    wake.clear();
  };
  const end = (own: 0 | 1, who: Identity): ControlSession => ({
    hasMls: true,
    async send(payload, payloadType) {
      const source = { ...parseSlimName("o/n/a"), id: slimAppId(who.tokenId) };
      inbox[1 - own]?.push({ source, payload, payloadType, identity: who.token() });
      tell();
    },
    async receive() {
      for (;;) {
        const next = inbox[own]?.shift();
        if (next !== undefined) return next;
        if (state.over) throw new Error("closed");
        await new Promise<void>((resolve) => wake.add(resolve));
      }
    },
    async close() {
      state.over = true;
      tell();
    },
  });
  return [end(0, a), end(1, b)];
}

/** Apps that moderate on a controller's word. */
export function createApps() {
  const controller = identity(controllerBase);
  const apps = new Map<
    string,
    { own: Identity; name: SlimName; app: ControlledApp; groups: Group[] }
  >();
  interface Group extends ControlledChannel {
    readonly people: SlimName[];
    over: boolean;
    isModerator: boolean;
  }
  return {
    /** Answers the app's full name. */
    add(service: string) {
      const own = identity(service);
      const name = { ...parseSlimName(service), id: slimAppId(own.tokenId) };
      const groups: Group[] = [];
      const app: ControlledApp = {
        name,
        channels: () => groups,
        async createChannel(channel, { metadata }) {
          const group: Group = {
            channel,
            metadata,
            people: [name],
            over: false,
            isModerator: true,
            get isOver() {
              return group.over;
            },
            async invite(member) {
              if (member.service === "slow")
                await new Promise((resolve) => setTimeout(resolve, 120));
              if (member.service === "nobody")
                throw new Error("message send retries exhausted for id=7");
              group.people.push({ ...member, id: member.id ?? 77n });
            },
            async remove(member) {
              const at = group.people.findIndex((one) => one.service === member.service);
              group.people.splice(at, 1);
            },
            members: async () => group.people.map((one) => ({ name: one, online: true })),
            async close() {
              group.over = true;
            },
          };
          groups.push(group);
          return group;
        },
      };
      const control = { ...name, service: `${name.service}~ctl` };
      apps.set(formatSlimName(control), { own, name, app, groups });
      return { name: formatSlimName(name), control: formatSlimName(control), groups };
    },
    granted: {
      baseId: controllerBase,
      sign: (grant) => signGrant(crypto, controller.keys.privateKey, grant),
      async open(control) {
        const found = apps.get(formatSlimName(control));
        if (found === undefined) throw new Error("nobody answers");
        const [near, far] = sessionPair(controller, found.own);
        const server = createControlServer({
          app: found.app,
          crypto,
          clock: systemClock,
          verifier: createSharedSecretVerifier({ crypto, clock: systemClock, secret }),
          accept: () => "verified",
        });
        void server.serve(far);
        return near;
      },
    } satisfies ControllerIdentity as ControllerIdentity,
  };
}

/** Groups that the controller moderates itself. */
export async function createHosted() {
  const groups: { channel: string; people: SlimName[]; over: boolean }[] = [];
  const me: SlimName = { ...parseSlimName(controllerBase), id: 1n };
  const host: ChannelHost = {
    async create(channel) {
      const group = { channel: formatSlimService(channel), people: [me], over: false };
      groups.push(group);
      const session: HostedSession = {
        channel,
        async invite(member) {
          if (member.service === "nobody")
            throw new Error("message send retries exhausted for id=7");
          group.people.push({ ...member, id: member.id ?? 77n });
        },
        async remove(member) {
          const at = group.people.findIndex((one) => one.service === member.service);
          group.people.splice(at, 1);
        },
        members: async () =>
          group.people.map((name) => ({ name, online: true, isHost: name === me })),
        async close() {
          group.over = true;
        },
        async rest() {},
      };
      return session;
    },
    restore: async () => [],
  };
  return { hosted: await openHostedChannels(host), groups, controllerName: formatSlimName(me) };
}
