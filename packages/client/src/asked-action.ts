import { parseId } from "@coterie/base";
import type { InboxId } from "@coterie/base";
import type { Action } from "@coterie/policy";
import { updatedPolicy } from "./engine/compose.ts";
import type { GroupFacts } from "./engine/extensions.ts";
import { metadataKeys } from "./enums.ts";
import type { MetadataField, PermissionUpdateType } from "./enums.ts";
import { ClientError } from "./errors.ts";
import { optionNumber } from "./permission-options.ts";
import type { PermissionChoice } from "./permission-options.ts";

/** An action to ask about. Without an `actor` it is this client's own inbox. */
export type AskedAction = { readonly actor?: string | undefined } & (
  | { readonly kind: "add-members" | "remove-members"; readonly subjects: readonly string[] }
  /** A key such as `group_name`, or its number. */
  | { readonly kind: "update-metadata"; readonly field: string | MetadataField }
  | {
      readonly kind: "add-admin" | "remove-admin" | "add-super-admin" | "remove-super-admin";
      readonly subject: string;
    }
  | {
      readonly kind: "update-permission";
      readonly update: PermissionUpdateType;
      readonly policy: PermissionChoice;
      readonly field?: MetadataField | undefined;
    }
  | { readonly kind: "pin-message" | "readd-installations" | "key-update" | "leave" }
);

function inbox(id: string): InboxId {
  try {
    return parseId<InboxId>(id);
  } catch (cause) {
    throw new ClientError("client/bad-argument", { argument: "inboxId" }, { cause });
  }
}

/** What is asked, in the words of the policy engine. Throws `client/bad-argument` for ids that are none. */
export function actionOf(asked: AskedAction, facts: GroupFacts, own: InboxId): Action {
  const actor = asked.actor === undefined ? own : inbox(asked.actor);
  switch (asked.kind) {
    case "add-members":
    case "remove-members":
      return { kind: asked.kind, actor, subjects: asked.subjects.map(inbox) };
    case "update-metadata": {
      const { field } = asked;
      const key = typeof field === "number" ? metadataKeys[field] : field;
      return { kind: "update-metadata", actor, field: key, value: "" };
    }
    case "add-admin":
    case "remove-admin":
    case "add-super-admin":
    case "remove-super-admin":
      return { kind: asked.kind, actor, subject: inbox(asked.subject) };
    case "update-permission": {
      const { update, policy, field } = asked;
      const key = field === undefined ? undefined : metadataKeys[field];
      const next = updatedPolicy(facts.policy, update, optionNumber(policy), key);
      return { kind: "update-permissions", actor, next };
    }
    case "pin-message":
      return { kind: "update-metadata", actor, field: "app_data", value: "" };
    case "readd-installations":
    case "key-update":
    case "leave":
      return { kind: asked.kind, actor };
  }
}
