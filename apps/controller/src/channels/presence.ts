import { controlSuffix } from "@coterie/session/control";
import { formatSlimName, parseSlimName } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";

/** Names that the nodes have told of. */
export interface KnownNames {
  /** Full names of `org/ns/service`. */
  instances(service: string): readonly string[];
  /** Full names of services that end in the control suffix. */
  controls(): Iterable<string>;
  watch(listener: () => void): () => void;
}

/** Apps that accept controllers: they also answer to `org/ns/<app>~ctl` (SCT-23). */
export interface ModeratorPresence {
  /** The name to ask, or undefined where the app does not accept controllers or is not here. */
  control(moderator: SlimName): SlimName | undefined;
  /** Whether it has been away for so long that nobody waits for it (SCT-32). */
  isOffline(moderator: SlimName): boolean;
  /** Every app that accepts controllers, by its control name. */
  all(): readonly SlimName[];
  close(): void;
}

export function watchModerators(
  known: KnownNames,
  offlineMs: number,
  now: () => number,
): ModeratorPresence {
  const startedAt = now();
  const lastSeen = new Map<string, number>();
  const present = new Set<string>();
  const look = (): void => {
    const before = [...present];
    present.clear();
    for (const name of known.controls()) present.add(name);
    for (const name of before) if (!present.has(name)) lastSeen.set(name, now());
    for (const name of present) lastSeen.delete(name);
  };
  look();
  const unwatch = known.watch(look);
  return {
    control(moderator) {
      const name = controlName(moderator);
      return present.has(formatSlimName(name)) ? name : undefined;
    },
    isOffline(moderator) {
      const name = formatSlimName(controlName(moderator));
      if (present.has(name)) return false;
      return now() - (lastSeen.get(name) ?? startedAt) >= offlineMs;
    },
    all: () => [...present].map(parseSlimName),
    close: unwatch,
  };
}

const controlName = (name: SlimName): SlimName => ({
  ...name,
  service: `${name.service}${controlSuffix}`,
});
