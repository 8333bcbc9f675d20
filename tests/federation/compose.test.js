// Our subgraph composes with others, without an error and without a hint, in every composer that npm has; and a broken one does not.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { composeServices as composeWithApollo } from "@apollo/composition";
import { composeServices as composeWithGuild } from "@theguild/federation-composition";
import { ROUTER_COMPATIBILITY_VERSION_ONE, federateSubgraphs } from "@wundergraph/composition";
import { parse } from "graphql";

import { ours, text } from "./graph.js";

const url = "http://127.0.0.1:8080/graphql";
const team = (keys) => ({ name: "team", typeDefs: parse(ours(keys, true)), url });
const others = (...names) => names.map((name) => ({ name, typeDefs: parse(text(name)), url: `http://127.0.0.1/${name}` }));

/** The graphs that are composed: our keys, and the subgraphs beside ours. */
const GRAPHS = [
  ["both", []],
  ["both", ["leads", "permissions"]],
  ["both", ["leads", "crm", "permissions"]],
  ["id", ["leads", "permissions"]],
  ["account", []],
  ["account", ["crm", "permissions-of-accounts"]],
];

/** The keys of each entity in a supergraph. */
function keysOf(supergraphSdl) {
  const keys = [...supergraphSdl.matchAll(/@join__type\(graph: TEAM, key: "([^"]+)"/g)].map(([, key]) => key);
  return [...new Set(keys)].sort();
}

const KEYS = {
  both: ["account { email type }", "id", "id account { email type }"],
  id: ["account { email type }", "id"],
  account: ["account { email type }", "id account { email type }"],
};

/** What the subgraph says of nulls and of scopes, in a supergraph. */
const SAID = [
  /\): TeamMemberConnection .*@semanticNonNull/,
  /contact: TeamMemberContact .*@requiresScopes\(scopes: \[\["team:contact:read"\]\]\)/,
];

for (const [keys, names] of GRAPHS) {
  const title = `with ${names.length ? names.join(", ") : "nothing else"}, federation.keys = ${keys}`;

  test(`Apollo's composer takes it ${title}, without error or hint`, () => {
    const { errors, hints, supergraphSdl } = composeWithApollo([team(keys), ...others(...names)]);
    assert.equal(errors, undefined);
    assert.deepEqual(hints.map((hint) => hint.toString()), []);
    assert.deepEqual(keysOf(supergraphSdl), KEYS[keys]);
    assert.deepEqual(SAID.filter((said) => !said.test(supergraphSdl)), []);
  });

  test(`The Guild's composer takes it ${title}, without error`, () => {
    const { errors, supergraphSdl } = composeWithGuild([team(keys), ...others(...names)]);
    assert.equal(errors, undefined);
    assert.deepEqual(keysOf(supergraphSdl), KEYS[keys]);
    assert.deepEqual(SAID.filter((said) => !said.test(supergraphSdl)), []);
  });

  test(`WunderGraph's composer takes it ${title}, without error or warning`, () => {
    const subgraphs = [team(keys), ...others(...names)].map(({ name, typeDefs, url }) => ({ name, url, definitions: typeDefs }));
    const result = federateSubgraphs({ subgraphs, version: ROUTER_COMPATIBILITY_VERSION_ONE });
    assert.deepEqual(result.errors?.map((error) => error.message), undefined);
    assert.deepEqual(result.warnings.map((warning) => warning.message), []);
    const field = result.federatedGraphSchema.getType("TeamMember").getFields().contact;
    assert.ok(field.astNode.directives.some((directive) => directive.name.value === "requiresScopes"));
  });
}

test("wgc makes a configuration for Cosmo's router of it", () => {
  const folder = mkdtempSync(join(tmpdir(), "flowmatix-cosmo-"));
  try {
    writeFileSync(join(folder, "team.graphql"), ours("both", true));
    for (const name of ["leads", "permissions"]) writeFileSync(join(folder, `${name}.graphql`), text(name));
    const subgraph = (name) => `  - name: ${name}\n    routing_url: http://127.0.0.1/${name}\n    schema:\n      file: ./${name}.graphql\n`;
    writeFileSync(join(folder, "graph.yaml"), `version: 1\nsubgraphs:\n${["team", "leads", "permissions"].map(subgraph).join("")}`);
    const wgc = fileURLToPath(new URL("node_modules/.bin/wgc", import.meta.url));
    const env = { ...process.env, DO_NOT_TRACK: "1", COSMO_TELEMETRY_DISABLED: "true" };
    const said = execFileSync(wgc, ["router", "compose", "--input", join(folder, "graph.yaml"), "--out", join(folder, "router.json")], { env, encoding: "utf8" });
    assert.doesNotMatch(said, /WARNING|ERROR/);
    const { engineConfig } = JSON.parse(readFileSync(join(folder, "router.json"), "utf8"));
    const source = engineConfig.datasourceConfigurations.find(({ customGraphql }) => customGraphql.fetch.url.staticVariableContent.endsWith("/team"));
    const keys = source.keys.filter(({ typeName }) => typeName === "TeamMember").map(({ selectionSet }) => selectionSet);
    assert.deepEqual(keys.sort(), ["account { email type } id", "id"]);
    const scopes = engineConfig.fieldConfigurations.find(({ typeName, fieldName }) => typeName === "TeamMember" && fieldName === "contact");
    assert.match(JSON.stringify(scopes.authorizationConfiguration), /team:contact:read/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("Relay's node is no part of the subgraph: a graph has one at most", () => {
  const { supergraphSdl } = composeWithApollo([team()]);
  assert.ok(!/\bNode\b|\bnode\(/.test(supergraphSdl));
});

test("the subgraph imports the directives that it uses, and no others", () => {
  for (const [keys, scopes] of [["both", false], ["both", true], ["id", false], ["account", true]]) {
    const sdl = ours(keys, scopes);
    const [, list] = sdl.match(/url: "https:\/\/specs\.apollo\.dev\/federation\/v2\.5", import: \[([^\]]*)\]/);
    const imported = list.split(", ").map((name) => name.replaceAll('"', ""));
    const [, ...lines] = sdl.replaceAll(/"""[^]*?"""/g, "").split("\n");
    const used = new Set([...lines.join("\n").matchAll(/@\w+/g)].map(([name]) => name));
    for (const own of ["@link", "@semanticNonNull", "@specifiedBy", "@skip", "@include", "@deprecated"]) used.delete(own);
    used.add("@composeDirective");
    assert.deepEqual(imported.sort(), [...used].sort());
  }
});

test("every composer refuses a subgraph that contradicts it", () => {
  const subgraphs = [team(), ...others("broken")];
  const codes = (errors) => errors.map((error) => error.extensions.code);
  assert.ok(codes(composeWithApollo(subgraphs).errors).includes("INVALID_FIELD_SHARING"));
  assert.ok(codes(composeWithGuild(subgraphs).errors).includes("INVALID_FIELD_SHARING"));
  const definitions = subgraphs.map(({ name, typeDefs, url }) => ({ name, url, definitions: typeDefs }));
  const { success, errors } = federateSubgraphs({ subgraphs: definitions, version: ROUTER_COMPATIBILITY_VERSION_ONE });
  assert.equal(success, false);
  assert.ok(errors.some((error) => error.message.includes("name")));
});
