// Paging: an endless list that the cache grows, cursor by cursor.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { HttpLink, InMemoryCache } from "@apollo/client";

import { LANTERN, PINES, type Service, start } from "../../service.js";
import { bare, endlessList, typePolicies, until } from "./client.ts";
import { Team } from "./operations.ts";

let service: Service;

before(async () => {
  service = await start("demo");
});

after(() => service?.stop());

const teamMembers = endlessList(["account", "search", "filter", "orderBy"]);
const endless = { ...typePolicies, Query: { fields: { teamMembers } } };

const client = () => bare(new HttpLink({ uri: service.url }), new InMemoryCache({ typePolicies: endless }));

test("pages follow each other to the end of the list, each member once, for one upstream call", async () => {
  const calls = await service.calls();
  const list = client().watchQuery({ query: Team, variables: { account: PINES, first: 60 } });
  let page = (await until(list)).teamMembers;
  const sizes = [page?.edges.length];
  while (page?.pageInfo.hasNextPage) {
    const { length } = page.edges;
    await list.fetchMore({ variables: { after: page.pageInfo.endCursor } });
    page = (await until(list, (data) => data.teamMembers!.edges.length > length)).teamMembers;
    sizes.push(page?.edges.length);
  }
  assert.deepEqual(sizes, [60, 120, 180, 240, 250]);
  assert.equal(page?.totalCount, 250);
  const ids = page?.edges.map((edge) => edge.node.id) ?? [];
  assert.deepEqual(ids, [...new Set(ids)].sort());
  assert.equal((await service.calls()) - calls, 1);
});

test("other conditions and other accounts are lists of their own", async () => {
  const apollo = client();
  const all = apollo.watchQuery({ query: Team, variables: { account: PINES, first: 10 } });
  const online = { liveAvailability: ["ONLINE" as const] };
  await until(all);
  await apollo.query({ query: Team, variables: { account: PINES, first: 10, filter: online } });
  await apollo.query({ query: Team, variables: { account: LANTERN, first: 10 } });
  assert.equal((await until(all)).teamMembers?.totalCount, 250);
  const lists = Object.keys((apollo.cache.extract() as any).ROOT_QUERY).filter((key) => key.startsWith("teamMembers"));
  assert.equal(lists.length, 3);
});

test("asking for the list anew falls back to its first page", async () => {
  const list = client().watchQuery({ query: Team, variables: { account: PINES, first: 10 } });
  const first = (await until(list)).teamMembers;
  await list.fetchMore({ variables: { after: first?.pageInfo.endCursor ?? null } });
  await until(list, (data) => data.teamMembers?.edges.length === 20);
  await list.refetch();
  await until(list, (data) => data.teamMembers?.edges.length === 10);
});
