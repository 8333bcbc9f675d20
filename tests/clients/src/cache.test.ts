// The normalised cache: one member, wherever it was read.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { LANTERN, PINES, type Service, start } from "../../service.js";
import { createCache, createClient, recording, until } from "./client.ts";
import { Member, Roles, Snapshots, Team } from "./operations.ts";

let service: Service;

before(async () => {
  service = await start("demo");
});

after(() => service?.stop());

test("a member of a list that was read is there at once", async () => {
  const { fetch, sent } = recording();
  const client = createClient({ uri: service.url, fetch });
  const { data } = await client.query({ query: Team, variables: { first: 4 } });
  const node = data?.teamMembers?.edges[2]?.node;
  assert.ok(node);
  const requests = sent.length;
  const member = await client.query({ query: Member, variables: { id: node.id } });
  assert.equal(member.data?.teamMember?.name, node.name);
  assert.equal(sent.length, requests);
});

test("a member that the cache does not know is asked for, and one that nobody knows is null", async () => {
  const client = createClient({ uri: service.url });
  const { data } = await createClient({ uri: service.url }).query({ query: Team, variables: { first: 1 } });
  const known = data?.teamMembers?.edges[0]?.node;
  assert.ok(known);
  assert.equal((await client.query({ query: Member, variables: { id: known.id } })).data?.teamMember?.name, known.name);
  const unknown = await client.query({ query: Member, variables: { id: "no-such-member" } });
  assert.equal(unknown.error, undefined);
  assert.equal(unknown.data?.teamMember, null);
});

test("what one query learns of a member, the others see", async () => {
  const client = createClient({ uri: service.url });
  const list = client.watchQuery({ query: Team, variables: { first: 1 } });
  const node = (await until(list)).teamMembers?.edges[0]?.node;
  assert.ok(node);
  const away = { ...node, __typename: "TeamMember" as const, liveAvailability: "OFFLINE" as const, name: "Someone Else" };
  client.writeQuery({ query: Member, variables: { id: node.id }, data: { __typename: "Query", teamMember: away } });
  await until(list, (data) => data.teamMembers?.edges[0]?.node.name === "Someone Else");
});

test("a role is one of its account: the same id in two accounts is two roles", async () => {
  const client = createClient({ uri: service.url });
  const { data } = await client.query({ query: Roles, variables: { account: LANTERN } });
  const role = data?.roles?.[0];
  assert.ok(role);
  const cache = createCache();
  for (const [account, memberCount] of [[LANTERN, 4], [PINES, 90]] as const) {
    cache.writeQuery({
      query: Roles,
      variables: { account },
      data: { __typename: "Query", roles: [{ __typename: "Role", id: role.id, memberCount, account: { __typename: "Account", ...account } }] },
    });
  }
  const count = (account: typeof LANTERN | typeof PINES) => cache.readQuery({ query: Roles, variables: { account } })?.roles?.[0]?.memberCount;
  assert.deepEqual([count(LANTERN), count(PINES)], [4, 90]);
});

test("the teams of two accounts are two objects, each with its own members, roles and groups", async () => {
  const client = createClient({ uri: service.url });
  const { data } = await client.query({ query: Snapshots, variables: { one: LANTERN, other: PINES } });
  assert.ok(data?.one && data.other);
  const cached = client.cache.extract() as Record<string, Record<string, unknown>>;
  const keys = (type: string) => Object.keys(cached).filter((key) => key.startsWith(`${type}:`));
  assert.equal(keys("Team").length, 2);
  assert.equal(keys("Role").length, data.one.roles.length + data.other.roles.length);
  assert.equal(keys("TeamMember").length, 6);
  assert.equal(keys("TeamMemberGroup").length, 0);
  for (const [team, account] of [[data.one, LANTERN], [data.other, PINES]] as const) {
    const key = `Team:${JSON.stringify({ account })}`;
    assert.equal(cached[key]?.generation, team.generation);
    // Whatever was read of a member leads back to the one object of its team.
    for (const member of team.members?.nodes ?? []) {
      assert.deepEqual(cached[`TeamMember:${JSON.stringify({ id: member.id })}`]?.team, { __ref: key });
    }
    const counted = team.members?.groups ?? [];
    for (const role of team.roles) {
      const count = counted.filter(({ key }) => key.role?.id === role.id).reduce((sum, { count }) => sum + count, 0);
      assert.equal(count, role.memberCount);
      assert.equal(cached[`Role:${JSON.stringify({ id: role.id, account })}`]?.memberCount, role.memberCount);
    }
  }
});
