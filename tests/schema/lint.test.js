// The schema as its clients' reviewers read it: the rules of `@graphql-eslint` for good schemas, and Relay's. What departs from
// one is said here, with its reason; everything else that a rule finds is a fault.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import plugin from "@graphql-eslint/eslint-plugin";
import { ESLint } from "eslint";
import { buildSchema } from "graphql";

const root = fileURLToPath(new URL("../..", import.meta.url));
const file = path.join(root, "schema.graphql");
const schema = buildSchema(readFileSync(file, "utf8"));

/** Objects without an `id`, and why. */
const withoutId = {
  Account: "is what its two fields say, and nothing else identifies it",
  PageInfo: "belongs to its connection",
  PermanentToken: "is a secret, which nobody asks for again",
  SkippedRow: "is a row that had no identifier to read",
  Team: "is identified by its account, as the entity's key says",
  TeamChanges: "is an event, which nobody asks for again",
  TeamMemberConnection: "is a page, which no client asks for again by an identifier",
  TeamMemberContact: "has an id that may be missing: no field of the upstream's is certain but a member's id",
  TeamMemberEdge: "is identified by its cursor",
  TeamMemberGroup: "is a count, identified by its key in its list",
  TeamMemberGroupKey: "is what its fields say",
  TeamMemberPhone: "is what its fields say",
  UnrecognizedField: "belongs to its member",
};

const rules = {
  ...plugin.configs["flat/schema-recommended"].rules,
  ...plugin.configs["flat/schema-relay"].rules,
  // The printer writes what fits into a line in one line, and the rest as a block.
  "@graphql-eslint/description-style": "off",
  "@graphql-eslint/strict-id-in-types": ["error", { exceptions: { types: Object.keys(withoutId) } }],
  // `nodes` beside `edges` is for the many clients that need no cursors, and short lists have no pages.
  "@graphql-eslint/relay-edge-types": ["error", { listTypeCanWrapOnlyEdgeType: false }],
};

async function faults(text) {
  const eslint = new ESLint({
    cwd: root,
    overrideConfigFile: true,
    overrideConfig: {
      files: ["**/*.graphql"],
      languageOptions: { parser: plugin.parser, parserOptions: { graphQLConfig: { schema: text === undefined ? file : text } } },
      plugins: { "@graphql-eslint": plugin },
      rules,
    },
  });
  const [{ messages }] = await (text === undefined ? eslint.lintFiles([file]) : eslint.lintText(text, { filePath: "other.graphql" }));
  return messages.map(({ ruleId, message, line }) => `${line}: ${ruleId}: ${message}`);
}

test("the schema follows the rules, or says why not", async () => {
  assert.deepEqual(await faults(), []);
});

test("what is said to have no id is there, and has none", () => {
  for (const [name, reason] of Object.entries(withoutId)) {
    const id = schema.getType(name)?.getFields().id;
    assert.ok(schema.getType(name), `${name} is gone`);
    assert.notEqual(id?.type.toString(), "ID!", `${name} ${reason}`);
  }
});

test("every field, argument, value and type has a description", () => {
  const missing = [];
  for (const type of Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith("__"))) {
    if (type.astNode === undefined) continue;
    if (!type.description) missing.push(type.name);
    const parts = type.getFields ? Object.values(type.getFields()) : (type.getValues?.() ?? []);
    for (const part of parts) {
      if (!part.description) missing.push(`${type.name}.${part.name}`);
      for (const argument of part.args ?? []) {
        if (!argument.description) missing.push(`${type.name}.${part.name}(${argument.name}:)`);
      }
    }
  }
  assert.deepEqual(missing, []);
});

test("a fault is found", async () => {
  const found = await faults('"Everything."\ntype Query { "Members." getThings(first: Int): ThingConnection }\n"Things." type ThingConnection { "One." thing_one: Int }\n');
  for (const rule of ["naming-convention", "relay-connection-types", "relay-arguments"]) {
    assert.ok(found.some((fault) => fault.includes(rule)), `${rule}: ${found.join("\n")}`);
  }
});
