/** The one protocol version there is (RFC 9420 §6). */
export const mls10 = 1;

/** RFC 9420 §17.2. */
export const wireFormats = {
  public: 1,
  private: 2,
  welcome: 3,
  "group-info": 4,
  "key-package": 5,
} as const;

/** RFC 9420 §6. */
export const contentTypes = { application: 1, proposal: 2, commit: 3 } as const;

/** RFC 9420 §17.3. */
export const extensionTypes = {
  applicationId: 1,
  ratchetTree: 2,
  requiredCapabilities: 3,
  externalPub: 4,
  externalSenders: 5,
} as const;

/** RFC 9420 §17.4. */
export const proposalTypes = {
  add: 1,
  update: 2,
  remove: 3,
  psk: 4,
  reinit: 5,
  "external-init": 6,
  "group-context-extensions": 7,
} as const;

/**
 * Types of proposals beyond RFC 9420 that are empty structures, which the wire does not show: `self_remove` of the MLS extensions. Like all
 * types that we do not know they are kept as custom proposals, for an application to give them a meaning.
 */
export const emptyProposalTypes: ReadonlySet<number> = new Set([0x000a]);

/** RFC 9420 §17.5. */
export const credentialTypes = { basic: 1, x509: 2 } as const;

/** The name that stands for a number of the registry, or undefined. */
export function nameOf<Name extends string>(
  registry: Readonly<Record<Name, number>>,
  value: number,
): Name | undefined {
  for (const name in registry) if (registry[name] === value) return name;
  return undefined;
}
