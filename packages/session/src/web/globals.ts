import { createGlobals } from "../api/globals.ts";
import type { Globals } from "../api/globals.ts";
import { Service } from "./service.ts";

const globals: Globals = createGlobals((name, config) => new Service(name, {}, config));
export const createService: Globals["createService"] = globals.createService;
export const createServiceWithConfig: Globals["createServiceWithConfig"] =
  globals.createServiceWithConfig;
export const getGlobalService: Globals["getGlobalService"] = globals.getGlobalService;
export const getServices: Globals["getServices"] = globals.getServices;
export const initializeWithDefaults: Globals["initializeWithDefaults"] =
  globals.initializeWithDefaults;
export const initializeWithConfigs: Globals["initializeWithConfigs"] =
  globals.initializeWithConfigs;
export const isInitialized: Globals["isInitialized"] = globals.isInitialized;
export const shutdownBlocking: Globals["shutdownBlocking"] = globals.shutdownBlocking;
