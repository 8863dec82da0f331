import { expect, test } from "vitest";
import { citations, coverage, readRules } from "../rules.mjs";

const page = `
| rule | what it says | exception |
| --- | --- | --- |
| XAB-01 | one | |
| XAB-02 | two | no test: nothing to see |
| XAB-03 | three | no code: a vector |
`;
const rules = readRules(page);
const source = (text: string) => ({ path: "packages/x/src/a.ts", text, isTest: false });
const check = (text: string) => ({ path: "packages/x/test/a.test.ts", text, isTest: true });

test("a page gives its rules and their exceptions", () => {
  expect([...rules.keys()]).toEqual(["XAB-01", "XAB-02", "XAB-03"]);
  expect(rules.get("XAB-02")).toEqual({ text: "two", noCode: false, noTest: true });
  expect(() => readRules(page + page)).toThrow("twice");
});

test("a range cites each rule in it", () => {
  const families = new Set(["XAB"]);
  expect([...citations("XAB-01..03, XCD-04, XAB-031", families)]).toEqual([
    "XAB-01",
    "XAB-02",
    "XAB-03",
    "XAB-031",
  ]);
});

test("a rule without code, one without a test and one that nobody knows are each named", () => {
  const all = coverage(rules, [source("// XAB-01, XAB-02"), check('test("XAB-01, XAB-03")')]);
  expect(all.missing).toEqual([]);
  expect(all.unknown).toEqual([]);
  const gaps = coverage(rules, [source("// XAB-01, XAB-09"), check("// XAB-01 in a comment")]);
  expect(gaps.missing).toEqual([
    "XAB-01: no test names it",
    "XAB-02: no code cites it",
    "XAB-03: no test names it",
  ]);
  expect(gaps.unknown).toEqual(["packages/x/src/a.ts cites XAB-09, which is no rule"]);
});
