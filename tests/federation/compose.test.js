// Our subgraph composes with others, without an error and without a hint, in both composers; and a broken one does not.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { composeServices as composeWithApollo } from "@apollo/composition";
import { composeServices as composeWithGuild } from "@theguild/federation-composition";
import { parse } from "graphql";

import { print } from "../service.js";

const read = (name) => parse(readFileSync(new URL(`subgraphs/${name}.graphql`, import.meta.url), "utf8"));
const ours = { name: "team", typeDefs: parse(print("schema", "--federation")), url: "http://127.0.0.1:8080/graphql" };
const others = (...names) => names.map((name) => ({ name, typeDefs: read(name), url: `http://127.0.0.1/${name}` }));

test("Apollo's composer takes it alone and with others, without error or hint", () => {
  for (const subgraphs of [[ours], [ours, ...others("leads", "permissions")]]) {
    const { errors, hints, supergraphSdl } = composeWithApollo(subgraphs);
    assert.equal(errors, undefined);
    assert.deepEqual(hints.map((hint) => hint.toString()), []);
    for (const key of ['key: "id"', 'key: "id account { email type }"', 'key: "account { email type }"']) assert.ok(supergraphSdl.includes(key), key);
  }
});

test("The Guild's composer takes it alone and with others, without error", () => {
  for (const subgraphs of [[ours], [ours, ...others("leads", "permissions")]]) {
    const { errors, supergraphSdl } = composeWithGuild(subgraphs);
    assert.equal(errors, undefined);
    assert.ok(supergraphSdl.includes('@join__type(graph: TEAM, key: "id account { email type }")'));
  }
});

test("Relay's node is no part of the subgraph: a graph has one at most", () => {
  const { supergraphSdl } = composeWithApollo([ours]);
  assert.ok(!/\bNode\b|\bnode\(/.test(supergraphSdl));
});

test("personal data is tagged, so that a contract can leave it out", () => {
  const { supergraphSdl } = composeWithApollo([ours]);
  const tagged = supergraphSdl.split("\n").filter((line) => line.includes('@tag(name: "personal-data")'));
  assert.deepEqual(tagged.map((line) => line.trim().split(":")[0]), ["contact", "email"]);
});

test("both composers refuse a subgraph that contradicts it", () => {
  const subgraphs = [ours, ...others("broken")];
  const codes = (errors) => errors.map((error) => error.extensions.code);
  assert.ok(codes(composeWithApollo(subgraphs).errors).includes("INVALID_FIELD_SHARING"));
  assert.ok(codes(composeWithGuild(subgraphs).errors).includes("INVALID_FIELD_SHARING"));
});
