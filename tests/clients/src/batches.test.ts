// Several queries in one request, where the server allows it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { BatchHttpLink } from "@apollo/client/link/batch-http";

import { LANTERN, PINES, start } from "../../service.js";
import { bare, codeOf, graphqlErrors, recording } from "./client.ts";
import { Roles, Team } from "./operations.ts";

test("queries made at once are one request, each with its own answer", async () => {
  const service = await start("demo", { "graphql.batch_limit": 10 });
  try {
    const { fetch, sent } = recording();
    const client = bare(new BatchHttpLink({ uri: service.url, fetch, batchMax: 10 }));
    const [team, roles, other, wrong] = await Promise.all([
      client.query({ query: Team, variables: { account: LANTERN, first: 2 } }),
      client.query({ query: Roles, variables: { account: LANTERN } }),
      client.query({ query: Team, variables: { account: PINES, first: 3 } }),
      client.query({ query: Team, variables: { account: LANTERN, first: -1 } }),
    ]);
    assert.deepEqual(sent.map(({ body }) => body.length), [4]);
    assert.equal(team.data?.teamMembers?.edges.length, 2);
    assert.equal(roles.data?.roles?.length, 4);
    assert.equal(other.data?.teamMembers?.edges.length, 3);
    assert.deepEqual(graphqlErrors(wrong.error).map(codeOf), ["BAD_USER_INPUT"]);
    assert.equal(await service.calls(), 2);
  } finally {
    service.stop();
  }
});

test("where it does not, the client has no code to go by, only that the answers are not as many as the questions", async () => {
  const service = await start("demo");
  try {
    const { fetch, sent } = recording();
    const client = bare(new BatchHttpLink({ uri: service.url, fetch }));
    const answers = await Promise.all([client.query({ query: Team, variables: { first: 1 } }), client.query({ query: Roles })]);
    for (const { error } of answers) assert.match(error?.message ?? "", /results with length 1, expected length of 2/);
    assert.deepEqual(sent.map(({ answer }) => answer.errors[0].extensions.code), ["BATCHING_NOT_ENABLED"]);
    assert.equal(await service.calls(), 0);
  } finally {
    service.stop();
  }
});
