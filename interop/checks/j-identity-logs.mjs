// Logs that no honest node would keep: random updates of random signers, right and wrong ones, put into the log unjudged. The SDK and we read them
// and must come to the same state, or both refuse.
import { Client as SdkClient } from "@xmtp/node-sdk";
import { assert } from "../lib/check.mjs";
import { sdkOptions } from "../lib/sdk.mjs";

const at = (room) => new URL(`../../${room}`, import.meta.url).href;
const { loadOpensslProvider } = await import(at("packages/crypto/dist/openssl.js"));
const { eip191Sign, ethereumAddress } = await import(at("packages/crypto/dist/index.js"));
const identity = await import(at("packages/identity/dist/index.js"));
const wire = await import(at("packages/wire/dist/index.js"));
const { createNode, openMemoryLog } = await import(at("apps/node/dist/index.js"));
const { createH2Server } = await import(at("packages/transport/dist/h2.js"));
const crypto = await loadOpensslProvider();

const cases = Number(process.env.COTERIE_CASES ?? 120);
const seed = Number(process.env.COTERIE_SEED ?? 20260101);

/** Numbers from 0 up to 1 (mulberry32). */
function randomOf(start) {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const utf8 = (text) => new TextEncoder().encode(text);
const hex = (bytes) => Buffer.from(bytes).toString("hex");

function walletActor(key) {
  const address = ethereumAddress(crypto, crypto.secp256k1PublicKey(key));
  return {
    key,
    id: identity.ethereumIdentifier(address),
    sign: (text) => ({ kind: "erc191", value: { bytes: eip191Sign(crypto, key, text) } }),
  };
}

function passkeyActor(key, compressed) {
  const point = crypto.signaturePublicKey("p256", key);
  const publicKey = compressed
    ? Uint8Array.from([2 + (point[64] & 1), ...point.subarray(1, 33)])
    : point;
  return {
    id: identity.passkeyIdentifier(publicKey),
    sign(text) {
      const challenge = Buffer.from(text).toString("base64url");
      const client = { type: "webauthn.get", challenge, origin: "https://chat.example" };
      const clientDataJson = utf8(JSON.stringify(client));
      const authenticatorData = new Uint8Array(37).fill(5);
      const signed = Buffer.concat([authenticatorData, crypto.hash("sha256", clientDataJson)]);
      const signature = crypto.sign("p256", key, signed);
      return {
        kind: "passkey",
        value: { publicKey, signature, authenticatorData, clientDataJson },
      };
    },
  };
}

function installationActor() {
  const installation = identity.createInstallation(crypto);
  return {
    id: identity.installationMember(installation.id),
    sign: (text) => identity.signIdentityText(crypto, installation, text),
  };
}

function contractActor(address, chainId) {
  return {
    id: identity.ethereumIdentifier(address),
    sign: (text) => ({
      kind: "erc6492",
      value: {
        accountId: `eip155:${chainId}:${address}`,
        blockNumber: 7n,
        signature: crypto.hash("sha256", utf8(`${address} ${text}`)),
      },
    }),
  };
}

/** A V2 key that a wallet vouched for: the wallet's word in its former form (XID-14). */
function delegatedActor(owner, v2) {
  const keyBytes = wire.UnsignedPublicKey.encode({
    createdNs: 5n,
    secp256k1Uncompressed: { bytes: crypto.secp256k1PublicKey(v2) },
  });
  const vouched = eip191Sign(
    crypto,
    owner.key,
    `XMTP : Create Identity\n${hex(keyBytes)}\n\nFor more info: https://xmtp.org/signatures/`,
  );
  const signature = {
    kind: "walletEcdsaCompact",
    value: { bytes: vouched.subarray(0, 64), recovery: vouched[64] - 27 },
  };
  return {
    id: owner.id,
    sign: (text) => ({
      kind: "delegatedErc191",
      value: {
        delegatedKey: { keyBytes, signature },
        signature: { bytes: eip191Sign(crypto, v2, text) },
      },
    }),
  };
}

const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** The same signature in another encoding, or none at all. */
function twisted(signature, random) {
  if (signature.kind === "installationKey") {
    const bytes = signature.value.bytes.slice();
    bytes[3] ^= 1;
    return { ...signature, value: { ...signature.value, bytes } };
  }
  if (signature.kind !== "erc191") return signature;
  const bytes = signature.value.bytes.slice();
  const way = random();
  if (way < 0.4) bytes[64] -= 27;
  else if (way < 0.8) {
    const high = order - BigInt(`0x${hex(bytes.subarray(32, 64))}`);
    bytes.set(Buffer.from(high.toString(16).padStart(64, "0"), "hex"), 32);
  } else bytes[40] ^= 1;
  return { ...signature, value: { bytes } };
}

function makeLog(random) {
  const chance = (p) => random() < p;
  const pick = (list) => list[Math.floor(random() * list.length)];
  const secret = () => crypto.bytes(32);
  const [ada, bo] = [walletActor(secret()), walletActor(secret())];
  const contractAddress = `0x${hex(crypto.bytes(20))}`;
  const people = [
    ada,
    bo,
    passkeyActor(secret(), false),
    passkeyActor(secret(), true),
    delegatedActor(ada, secret()),
    contractActor(contractAddress, 1n),
    // The same contract on another chain is another word for the same member (XID-26).
    ...(random() < 0.3 ? [contractActor(contractAddress, 10n)] : []),
  ];
  const devices = [installationActor(), installationActor(), installationActor()];
  const all = [...people, ...devices, ...devices];
  const creator = chance(0.6) ? ada : pick(people);
  const nonce = creator === people[4] || chance(0.3) ? (chance(0.9) ? 0n : 1n) : 1n;
  const inboxId = identity.inboxIdOf(crypto, creator.id, nonce);
  // What a reader of the log may take for the truth while it is written; wrong steps make it less than that.
  let recovery = creator;
  const inside = [creator];
  let now = 1_700_000_000_000_000_000n;
  const sharing = new Map();

  const action = (first) => {
    if (first ? chance(0.98) : chance(0.01)) {
      const signer = chance(0.97) ? creator : pick(people);
      return { kind: "create-inbox", identifier: creator.id, nonce, slots: [signer] };
    }
    const kind = random();
    const boss = chance(0.92) ? recovery : pick(all);
    if (kind < 0.6) {
      const by = chance(0.92) ? pick(chance(0.8) ? [recovery, ...inside] : inside) : pick(all);
      const others = all.filter(
        (one) => one !== by && (by.id.kind !== "installation" || one.id.kind !== "installation"),
      );
      const member = chance(0.95) ? pick(others) : pick(all);
      const added = chance(0.97) ? member : pick(all);
      inside.push(member);
      let id = member.id;
      if (id.kind === "ethereum" && chance(0.02)) id = { ...id, address: id.address.toUpperCase() };
      return { kind: "add", member: id, slots: [by, added] };
    }
    if (kind < 0.85)
      return { kind: "revoke", member: pick(chance(0.7) ? inside : all).id, slots: [boss] };
    const heir = pick(people);
    if (boss === recovery) recovery = heir;
    return { kind: "change-recovery", identifier: heir.id, slots: [boss] };
  };

  const update = (index) => {
    now += 1_000_000_000n;
    const drafts = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, i) =>
      action(index === 0 && i === 0),
    );
    const head = {
      inboxId: chance(0.99) ? inboxId : hex(crypto.bytes(32)),
      clientTimestampNs: now,
    };
    const text = identity.signatureText({ ...head, actions: drafts });
    const other = chance(0.01) ? `${text} ` : text;
    const signed = (actor) => {
      // Mostly one signature for all slots of a signer, as clients do.
      const known = sharing.get(actor);
      if (known?.text === other && chance(0.8)) return known.signature;
      let signature = actor.sign(other);
      if (chance(0.03)) signature = twisted(signature, random);
      sharing.set(actor, { text: other, signature });
      return signature;
    };
    const actions = drafts.map(({ slots, ...draft }) =>
      draft.kind === "add"
        ? { ...draft, existing: signed(slots[0]), added: signed(slots[1]) }
        : { ...draft, signature: signed(slots[0]) },
    );
    return identity.updateToWire({ ...head, actions });
  };

  const updates = [];
  const length = 1 + Math.floor(random() * 5);
  while (updates.length < length) {
    // The same again, or an earlier one's signature in another encoding.
    if (updates.length > 0 && chance(0.04)) updates.push(pick(updates));
    else updates.push(update(updates.length));
  }
  return { inboxId, updates };
}

/** Our verdict: the state, or the code and rule of the refusal. */
function judged(updates) {
  let state;
  try {
    for (const one of updates) {
      const parsed = identity.parseUpdate(
        wire.IdentityUpdate.decode(wire.IdentityUpdate.encode(one)),
      );
      const checks = identity.neededContractChecks(crypto, parsed);
      const contracts = new Map(
        checks.map((check) => [identity.contractCheckKey(crypto, check), { isValid: true }]),
      );
      state = identity.applyUpdate(
        crypto,
        state,
        identity.verifyUpdate({ crypto, contracts }, parsed),
      );
    }
  } catch (error) {
    if (typeof error?.code !== "string" || !error.code.startsWith("identity/")) throw error;
    return { refusal: `${error.code} ${error.details.rule ?? ""}` };
  }
  return {
    state: {
      recovery: identity.identifierText(state.recovery),
      identifiers: identity.identifiersOf(state).map(identity.identifierText).toSorted(),
      installations: [...identity.installationsOf(state)].toSorted(),
    },
  };
}

export default async function run({ check }) {
  const clock = { nowNs: () => BigInt(Date.now()) * 1_000_000n };
  const log = openMemoryLog({ clock });
  const contracts = {
    verify: async (checks) => checks.map(({ blockNumber }) => ({ isValid: true, blockNumber })),
  };
  const node = createNode({ log, clock, crypto, contracts });
  const server = await createH2Server({ host: "127.0.0.1", port: 0, routes: node.routes });
  const { backend } = await sdkOptions({ url: server.url });
  const refusals = new Map();
  let accepted = 0;

  await check(
    `${cases} random logs: the same state or both refuse, seed ${seed} (XID-10..15, XID-20..30)`,
    async () => {
      const random = randomOf(seed);
      for (let number = 0; number < cases; number++) {
        const { inboxId, updates } = makeLog(random);
        let last = 0n;
        for (const one of updates) {
          const outcome = await log.appendIdentityUpdate({
            inboxId,
            update: wire.IdentityUpdate.encode(one),
            expectedLast: last,
            added: [],
            revoked: [],
          });
          last = outcome.sequenceId;
        }
        const ours = judged(updates);
        let theirs;
        let words;
        try {
          const [state] = await SdkClient.fetchInboxStates([inboxId], backend);
          theirs = {
            recovery: state.recoveryIdentifier.identifier,
            identifiers: state.identifiers.map(({ identifier }) => identifier).toSorted(),
            installations: state.installations.map(({ id }) => id).toSorted(),
          };
        } catch (error) {
          words = String(error);
        }
        const told = {
          number,
          ours,
          words,
          kinds: updates.map(({ actions }) => actions.map((a) => a.kind)),
        };
        assert.deepEqual(theirs, ours.state, JSON.stringify(told));
        if (ours.state) accepted++;
        else refusals.set(ours.refusal, (refusals.get(ours.refusal) ?? 0) + 1);
      }
      assert.ok(accepted > cases / 10, `${accepted} of ${cases} logs are valid`);
      const list = [...refusals].toSorted(([, a], [, b]) => b - a);
      console.log(
        `        ${accepted} valid; refused: ${list.map((one) => one.join(" × ")).join(", ")}`,
      );
      assert.ok(refusals.size >= 8, "too few ways to be refused");
    },
    { timeoutMs: 240_000 },
  );
  node.close();
  await server.close({ graceMs: 0 });
}
