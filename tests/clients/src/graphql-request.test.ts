// graphql-request: one function for scripts and servers.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ClientError, GraphQLClient } from "graphql-request";

import { PINES, type Service, start } from "../../service.js";
import { codeOf, retryAfterSeconds } from "./client.ts";
import { Roles, Team } from "./operations.ts";

let service: Service;

before(async () => {
  service = await start("demo");
});

after(() => service?.stop());

function client() {
  return new GraphQLClient(service.url, {
    // Data of the fields that did not fail is kept; `errors` says which did.
    errorPolicy: "all",
    headers: { accept: "application/graphql-response+json, application/json;q=0.9" },
  });
}

test("a typed document brings typed data", async () => {
  const data = await client().request(Team, { first: 3, account: PINES });
  assert.equal(data.teamMembers?.edges.length, 3);
  const names: (string | null | undefined)[] = (data.teamMembers?.edges ?? []).map((edge) => edge.node.name);
  assert.ok(names.every((name) => name));
});

test("errors of fields come beside the data", async () => {
  const { data, errors } = await client().rawRequest<{ teamMembers: null; roles: { id: string }[] }>(
    "{ teamMembers(first: -1) { totalCount } roles { id } }",
  );
  assert.equal(data.teamMembers, null);
  assert.ok(data.roles.length > 0);
  assert.deepEqual(errors?.map(codeOf), ["BAD_USER_INPUT"]);
});

test("a refusal is a ClientError with the code, whatever its status", async () => {
  const strict = new GraphQLClient(service.url, { headers: { accept: "application/graphql-response+json" } });
  await assert.rejects(strict.request("{ nope }"), (error) => {
    assert.ok(error instanceof ClientError);
    assert.equal(error.response.status, 400);
    assert.deepEqual(error.response.errors?.map(codeOf), ["GRAPHQL_VALIDATION_FAILED"]);
    assert.equal(retryAfterSeconds(error.response.errors ?? []), undefined);
    return true;
  });
  assert.ok((await strict.request(Roles, {})).roles);
});
