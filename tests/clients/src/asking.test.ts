// Queries with variables, typed from the schema.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { PINES, type Service, start } from "../../service.js";
import { createClient, recording } from "./client.ts";
import { Team } from "./operations.ts";

let service: Service;

before(async () => {
  service = await start("demo");
});

after(() => service?.stop());

test("a query with variables brings the people that were asked for", async () => {
  const client = createClient({ uri: service.url });
  const filter = { liveAvailability: ["ONLINE" as const] };
  const orderBy = [{ field: "NAME" as const, direction: "DESC" as const }];
  const { data, error } = await client.query({ query: Team, variables: { account: PINES, filter, orderBy, first: 5 } });
  assert.equal(error, undefined);
  const nodes = data?.teamMembers?.edges.map((edge) => edge.node) ?? [];
  assert.equal(nodes.length, 5);
  assert.ok(nodes.every((node) => node.liveAvailability === "ONLINE"));
  const names = nodes.map((node) => node.name ?? "");
  const fold = (name: string) => name.toLowerCase();
  assert.deepEqual(names, [...names].sort((a, b) => (fold(a) < fold(b) ? 1 : -1)));
});

test("a mistake in the variables does not compile", async () => {
  const client = createClient({ uri: service.url });
  // @ts-expect-error: a number, not a text.
  await client.query({ query: Team, variables: { first: "five" } });
  // @ts-expect-error: no such status.
  await client.query({ query: Team, variables: { filter: { liveAvailability: ["AWAY"] } } });
  // @ts-expect-error: the field was not selected.
  (await client.query({ query: Team, variables: {} })).data?.teamMembers?.edges[0]?.node.unreadMessages;
});

test("the client says who it is, and asks in the newer media type", async () => {
  const { fetch, sent } = recording();
  let headers = new Headers();
  const client = createClient({ uri: service.url, fetch: (input, init) => ((headers = new Headers(init?.headers)), fetch(input, init)) });
  await client.query({ query: Team, variables: { first: 1 } });
  assert.equal(headers.get("apollographql-client-name"), "team-dashboard");
  assert.match(headers.get("accept") ?? "", /^application\/graphql-response\+json/);
  assert.equal(sent.at(-1)?.status, 200);
});

test("equal queries at the same time are one request", async () => {
  const { fetch, sent } = recording();
  const client = createClient({ uri: service.url, fetch });
  const ask = () => client.query({ query: Team, variables: { first: 3 } });
  const answers = await Promise.all([ask(), ask(), ask()]);
  for (const { data } of answers) assert.equal(data?.teamMembers?.edges.length, 3);
  assert.equal(sent.filter(({ answer }) => answer.data).length, 1);
});
