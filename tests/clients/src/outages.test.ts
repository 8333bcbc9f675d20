// Flowmatix is slow, down, and back again: what stays on the screen.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { HttpLink, InMemoryCache } from "@apollo/client";

import { LANTERN, PINES, type Service, start } from "../../service.js";
import { bare, codeOf, createClient, endlessList, graphqlErrors, recording, typePolicies, until } from "./client.ts";
import { Names, Team, TwoTeams } from "./operations.ts";

let service: Service;

beforeEach(async () => {
  service = await start("demo", { "roster.fresh_for": "1s" });
});

afterEach(() => service?.stop());

test("one account is down, and the one beside it answers", async () => {
  const client = createClient({ uri: service.url });
  await client.query({ query: Team, variables: { account: LANTERN } });
  await service.misbehave({ status: 503 });
  const { data, error } = await client.query({ query: TwoTeams, variables: { one: LANTERN, other: PINES } });
  assert.equal(data?.one?.totalCount, 12);
  assert.equal(data?.other, null);
  const [problem, ...others] = graphqlErrors(error);
  assert.ok(problem && others.length === 0);
  assert.equal(codeOf(problem), "UPSTREAM_UNAVAILABLE");
  assert.deepEqual(problem.path, ["other"]);
});

test("a page that polls sees the team marked stale while Flowmatix is down, and fresh again after", async () => {
  const client = createClient({ uri: service.url });
  const list = client.watchQuery({ query: Team, variables: {}, pollInterval: 100 });
  const before = (await until(list)).teamMembers;
  assert.equal(before?.stale, false);
  await service.misbehave({ status: 503 });
  const during = (await until(list, (data) => data.teamMembers?.stale === true)).teamMembers;
  assert.deepEqual(during?.edges, before?.edges);
  await service.misbehave({});
  const after = (await until(list, (data) => data.teamMembers?.stale === false)).teamMembers;
  assert.ok(after && before && after.fetchedAt > before.fetchedAt);
  list.stop();
});

test("a list that fails to load anew does not leave the screen", async () => {
  const impatient = await start("demo", { "roster.fresh_for": "1s", "roster.stale_for": "1s" });
  try {
    const client = createClient({ uri: impatient.url });
    const list = client.watchQuery({ query: Team, variables: {} });
    await until(list);
    await impatient.misbehave({ status: 503 });
    let failed = await list.refetch();
    while (!failed.error) failed = await list.refetch();
    assert.deepEqual(graphqlErrors(failed.error).map(codeOf), ["UPSTREAM_UNAVAILABLE"]);
    assert.equal(list.getCurrentResult().data?.teamMembers?.totalCount, 12);
  } finally {
    impatient.stop();
  }
});

test("a list that never loaded is missing, not empty, and is asked for again by the next page", async () => {
  await service.misbehave({ status: 503 });
  for (const teamMembers of [undefined, endlessList(["account"])]) {
    const { fetch, sent } = recording();
    const policies = teamMembers ? { ...typePolicies, Query: { fields: { teamMembers } } } : typePolicies;
    const client = bare(new HttpLink({ uri: service.url, fetch }), new InMemoryCache({ typePolicies: policies }));
    for (const requests of [1, 2]) {
      const { data, error } = await client.query({ query: Names });
      assert.equal(data?.teamMembers, null);
      assert.deepEqual(graphqlErrors(error).map(codeOf), ["UPSTREAM_UNAVAILABLE"]);
      assert.equal(sent.length, requests);
    }
  }
});

test("a query that is aborted ends at once, and the team it asked for is there for the next", async () => {
  await service.misbehave({ latencyMs: 1000 });
  const client = createClient({ uri: service.url });
  const controller = new AbortController();
  const asked = client.query({ query: Team, variables: {}, context: { fetchOptions: { signal: controller.signal } } });
  while ((await service.calls()) === 0);
  controller.abort();
  const next = createClient({ uri: service.url }).query({ query: Team, variables: {} });
  const first = await Promise.race([asked, next]);
  assert.equal(first.error?.name, "AbortError");
  const { data } = await next;
  assert.equal(data?.teamMembers?.totalCount, 12);
  assert.equal(await service.calls(), 1);
});

test("a page that is left takes its request with it", async () => {
  await service.misbehave({ latencyMs: 1000 });
  const { fetch, sent } = recording();
  const client = createClient({ uri: service.url, fetch });
  const page = client.watchQuery({ query: Team, variables: {} }).subscribe({});
  while ((await service.calls()) === 0);
  page.unsubscribe();
  assert.equal(sent.at(-1)?.signal?.aborted, true);
});
