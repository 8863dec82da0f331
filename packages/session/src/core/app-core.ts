import { slimAppId } from "@coterie/wire/slim";
import { createAnswers } from "./answers.ts";
import { refuse } from "./context.ts";
import { publish } from "./data.ts";
import { createDiscoveryLimit } from "./discovery-limit.ts";
import { end } from "./life.ts";
import { reasonOf } from "./mls-profile.ts";
import type { Context } from "./model.ts";
import { createNameBook } from "./names.ts";
import {
  changeMembers,
  changeModerator,
  closeSession,
  comeOrGo,
  create,
  found,
} from "./operations.ts";
import type { AppCore, AppCoreParts, AppInput } from "./port.ts";
import { receive } from "./receive.ts";
import { planRefresh } from "./renewal.ts";
import { restore } from "./restore.ts";
import { finish, goOn, tick } from "./turn.ts";
import { viewOf } from "./view.ts";
import { createWakes } from "./wakes.ts";

/** All sessions of one app, as a machine without IO. */
export function createAppCore(parts: AppCoreParts): AppCore {
  const names = createNameBook();
  const { organization, namespace, service } = parts.name;
  // SNM-04
  const own = names.of({ organization, namespace, service, id: slimAppId(parts.identity.tokenId) });
  const context: Context = {
    parts,
    names,
    own,
    answersTo: new Set([own.service]),
    sessions: new Map(),
    answers: createAnswers(),
    discoveries: createDiscoveryLimit(),
    subscriptions: new Map(),
    nextRequest: 1,
    now: 0,
    out: [],
    saves: [],
    touched: new Set(),
    wakes: createWakes(),
    sequences: new Map(),
  };
  return {
    name: own.name,
    step(input, nowMs) {
      context.now = nowMs;
      context.out = [];
      context.saves = [];
      take(context, input);
      finish(context);
      return context.saves.length === 0 ? context.out : [...context.saves, ...context.out];
    },
    get wakeAt() {
      return context.wakes.next;
    },
    session(id) {
      const session = context.sessions.get(id);
      return session && session.phase !== "joining" ? viewOf(session) : undefined;
    },
  };
}

function take(context: Context, input: AppInput): void {
  switch (input.kind) {
    case "received":
      receive(context, input);
      return;
    case "tick":
      for (;;) {
        const session = context.wakes.takeDue(context.now);
        if (session === undefined) return;
        tick(context, session);
      }
    case "subscribed": {
      const subscription = context.subscriptions.get(input.request);
      if (subscription === undefined) return;
      context.subscriptions.delete(input.request);
      subscription.state = input.error === undefined ? "done" : "failed";
      goOn(context, context.sessions.get(subscription.session));
      return;
    }
    case "disconnected":
      for (const session of context.sessions.values()) {
        if (session.connection !== input.connection) continue;
        end(context, session, "disconnected");
        context.touched.add(session);
      }
      return;
    case "answer-to":
      context.answersTo.add(context.names.of({ ...input.name, id: undefined }).service);
      return;
    case "stop-answering-to":
      context.answersTo.delete(context.names.of({ ...input.name, id: undefined }).service);
      return;
    case "create":
      create(context, input);
      return;
    case "invite":
    case "remove":
      changeMembers(context, input);
      return;
    case "publish": {
      const session = found(context, input);
      if (session === undefined) return;
      const to = input.to && context.names.of(input.to);
      publish(context, session, input.handle, input, to);
      goOn(context, session);
      return;
    }
    case "hand-over":
      changeModerator(context, input);
      return;
    case "close":
      closeSession(context, input);
      return;
    case "soft-close":
    case "rejoin":
      comeOrGo(context, input);
      return;
    case "restore":
      try {
        const session = restore(context, input);
        if (!session.absence.isAway) session.presence.start(context.now);
        planRefresh(context, session);
        goOn(context, session);
      } catch (error) {
        refuse(context, reasonOf(error), input.session);
      }
      return;
  }
}
