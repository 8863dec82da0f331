import { toUtf8 } from "@coterie/base";
import { contentTypes } from "../engine/content.ts";
import type { ContentCodec } from "./codec.ts";
import { asArray, asObject, badContent, optionalText, present, readJson, text } from "./read.ts";
import type { JsonObject } from "./read.ts";

export const ActionStyle = { Primary: 0, Secondary: 1, Danger: 2 } as const;
export type ActionStyle = (typeof ActionStyle)[keyof typeof ActionStyle];

export interface Action {
  readonly id: string;
  readonly label: string;
  readonly imageUrl?: string | undefined;
  readonly style?: ActionStyle | undefined;
  readonly expiresAtNs?: bigint | undefined;
}

/** Buttons under a text: 1 to 10, with ids of their own. Whoever taps one answers with an {@link Intent}. */
export interface Actions {
  readonly id: string;
  readonly description: string;
  readonly actions: readonly Action[];
  readonly expiresAtNs?: bigint | undefined;
}

const styles = ["primary", "secondary", "danger"] as const;
const maxActions = 10;
const nsPerMs = 1_000_000n;

function check(value: Actions): Actions {
  const { actions } = value;
  if (actions.length === 0 || actions.length > maxActions) throw badContent("actions");
  if (new Set(actions.map(({ id }) => id)).size !== actions.length) throw badContent("actions");
  return value;
}

function timeText(ns: bigint | undefined): string | undefined {
  if (ns === undefined) return undefined;
  const date = new Date(Number(ns / nsPerMs));
  if (Number.isNaN(date.getTime())) throw badContent("expiresAt");
  return date.toISOString();
}

function timeOf(from: JsonObject): bigint | undefined {
  const value = optionalText(from, "expiresAt");
  if (value === undefined) return undefined;
  const ms = Date.parse(value);
  if (Number.isNaN(ms)) throw badContent("expiresAt");
  return BigInt(ms) * nsPerMs;
}

function styleOf(from: JsonObject): ActionStyle | undefined {
  const value = optionalText(from, "style");
  if (value === undefined) return undefined;
  const index = styles.indexOf(value as (typeof styles)[number]);
  if (index < 0) throw badContent("style");
  return index as ActionStyle;
}

function actionOf(from: JsonObject): Action {
  return present({
    id: text(from, "id"),
    label: text(from, "label"),
    imageUrl: optionalText(from, "imageUrl"),
    style: styleOf(from),
    expiresAtNs: timeOf(from),
  });
}

export const actionsCodec: ContentCodec<Actions> = {
  contentType: contentTypes.actions,
  encode(value) {
    const { id, description, actions, expiresAtNs } = check(value);
    const json = {
      id,
      description,
      actions: actions.map((action) => ({
        id: action.id,
        label: action.label,
        imageUrl: action.imageUrl,
        style: action.style === undefined ? undefined : styles[action.style],
        expiresAt: timeText(action.expiresAtNs),
      })),
      expiresAt: timeText(expiresAtNs),
    };
    const lines = actions.map(({ label }, i) => `[${i + 1}] ${label}`);
    return {
      type: contentTypes.actions,
      parameters: {},
      fallback: [description, "", ...lines, "", "Reply with the number to select"].join("\n"),
      content: toUtf8(JSON.stringify(json)),
    };
  },
  decode(content) {
    const from = readJson(content);
    return check(
      present({
        id: text(from, "id"),
        description: text(from, "description"),
        actions: asArray(from["actions"], "actions").map((item) =>
          actionOf(asObject(item, "action")),
        ),
        expiresAtNs: timeOf(from),
      }),
    );
  },
};
