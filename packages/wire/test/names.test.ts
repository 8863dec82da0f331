import type { GroupId, InstallationId } from "@coterie/base";
import protobuf from "protobufjs";
import { expect, test } from "vitest";
import { WireError, groupTopic, parseTopic, paths, welcomeTopic } from "../src/index.ts";
import { loadSchemas } from "./reflection.ts";

test("the method paths are those of the schemas", () => {
  const root = loadSchemas();
  const declared: string[] = [];
  for (const name of ["xmtp.identity.api.v1.IdentityApi", "xmtp.mls.api.v1.MlsApi"]) {
    const service = root.lookupService(name);
    expect(service).toBeInstanceOf(protobuf.Service);
    for (const method of service.methodsArray) declared.push(`/${name}/${method.name}`);
  }
  const named = [paths.identity, paths.mls, paths.retired].flatMap((group) => Object.values(group));
  expect(named.toSorted()).toEqual(declared.toSorted());
});

test("XPU-06: topics name a group or an installation, and read back", () => {
  const group = "000102030405060708090a0b0c0d0e0f" as GroupId;
  const installation = "ab".repeat(32) as InstallationId;
  expect(groupTopic(group)).toBe(`/xmtp/mls/1/g-${group}/proto`);
  expect(welcomeTopic(installation)).toBe(`/xmtp/mls/1/w-${installation}/proto`);
  expect(parseTopic(groupTopic(group))).toEqual({ kind: "group", id: group });
  expect(parseTopic(welcomeTopic(installation))).toEqual({ kind: "welcome", id: installation });
  for (const bad of [
    "",
    "/xmtp/mls/1/x-00/proto",
    "/xmtp/mls/1/g-/proto",
    "/xmtp/mls/1/w-00/proto",
    "/xmtp/mls/1/g-0/proto",
    "/xmtp/mls/1/g-00/proto\n",
  ]) {
    expect(() => parseTopic(bad)).toThrow(WireError);
  }
});
