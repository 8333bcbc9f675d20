// A real gateway over the real service: one query across three subgraphs, and what it costs upstream.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { composeServices } from "@apollo/composition";
import { ApolloGateway, IntrospectAndCompose, RemoteGraphQLDataSource } from "@apollo/gateway";
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { buildSubgraphSchema } from "@apollo/subgraph";
import { parse } from "graphql";

import { print, start } from "../service.js";

const MAYA = { email: "maya@lantern-books.example", type: "CUSTOMER" };
const PINES = { email: "ops@tall-pines.example", type: "CUSTOM_USER" };

const read = (name) => parse(readFileSync(new URL(`subgraphs/${name}.graphql`, import.meta.url), "utf8"));

/** The service's subgraph as a gateway calls it: the account's headers come from the gateway's context, never from a client. */
class Team extends RemoteGraphQLDataSource {
  willSendRequest({ request, context }) {
    if (!context.account) return;
    request.http.headers.set("x-flowmatix-email", context.account.email);
    request.http.headers.set("x-flowmatix-type", context.account.type);
  }
}

let service, gateway, members;
const servers = [];

async function subgraph(name, resolvers) {
  const server = new ApolloServer({ schema: buildSubgraphSchema({ typeDefs: read(name), resolvers }) });
  servers.push(server);
  return (await startStandaloneServer(server, { listen: { port: 0, host: "127.0.0.1" } })).url;
}

/** Asks the gateway, as a caller of this account. */
async function ask(query, account) {
  const response = await gateway.executeOperation({ query }, { contextValue: { account } });
  return response.body.singleResult;
}

before(async () => {
  service = await start("demo", { "roster.fresh_for": "2s" });
  const team = await service.query('{ teamMembers(account: { email: "ops@tall-pines.example", type: CUSTOM_USER }) { nodes { id } } }');
  members = team.data.teamMembers.nodes.map((node) => node.id);
  const assigned = (lead) => ({ ...lead, assignee: { __typename: "TeamMember", id: lead.assignee } });
  const pageInfo = { hasNextPage: false, hasPreviousPage: false };
  const leads = await subgraph("leads", {
    Query: {
      leads: (_, { first }) => ({
        pageInfo,
        nodes: Array.from({ length: first }, (_, n) => assigned({ id: `lead-${n}`, title: `Lead ${n}`, assignee: members[n] })),
      }),
    },
  });
  const permissions = await subgraph("permissions", {
    Query: { permissions: () => ["read", "write"] },
    Role: { __resolveReference: ({ id }) => ({ id, permissions: [`read:${id.slice(0, 4)}`] }) },
  });
  const { supergraphSdl, errors } = composeServices([
    { name: "team", typeDefs: parse(print("schema", "--federation")), url: service.url },
    { name: "leads", typeDefs: read("leads"), url: leads },
    { name: "permissions", typeDefs: read("permissions"), url: permissions },
  ]);
  assert.equal(errors, undefined);
  gateway = new ApolloServer({
    gateway: new ApolloGateway({
      supergraphSdl,
      buildService: ({ name, url }) => (name === "team" ? new Team({ url }) : new RemoteGraphQLDataSource({ url })),
    }),
  });
  servers.push(gateway);
  await gateway.start();
});

after(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  service?.stop();
});

test("fifty assignees are one _entities request and at most one upstream call", async () => {
  const [calls, requests] = [await service.calls(), await service.requests()];
  const query = "{ leads(first: 50) { nodes { title assignee { id name role { id permissions memberCount } } } } }";
  const { data, errors } = await ask(query, PINES);
  assert.equal(errors, undefined);
  assert.equal(data.leads.nodes.length, 50);
  for (const [n, lead] of data.leads.nodes.entries()) {
    assert.equal(lead.assignee.id, members[n]);
    assert.ok(lead.assignee.name);
    assert.deepEqual(lead.assignee.role.permissions, [`read:${lead.assignee.role.id.slice(0, 4)}`]);
  }
  const upstream = (await service.calls()) - calls;
  const asked = (await service.requests()) - requests;
  console.log(`50 assignees: ${asked} request to the service, ${upstream} upstream calls`);
  assert.equal(asked, 1);
  assert.ok(upstream <= 1);
});

test("a cold look-up of fifty assignees costs exactly one upstream call", async () => {
  const cold = await start("demo");
  try {
    const calls = await cold.calls();
    const list = members.slice(0, 50).map((id) => `{ __typename: "TeamMember", id: "${id}", account: { email: "${PINES.email}", type: "${PINES.type}" } }`);
    const answer = await cold.query(`{ _entities(representations: [${list}]) { ... on TeamMember { name } } }`);
    assert.ok(answer.data._entities.every((entity) => entity.name));
    assert.equal((await cold.calls()) - calls, 1);
  } finally {
    cold.stop();
  }
});

test("the account is the one that the gateway sets", async () => {
  const query = "{ teamMembers { totalCount nodes { account { email } } } }";
  for (const [account, count] of [[MAYA, 12], [PINES, 250]]) {
    const { data, errors } = await ask(query, account);
    assert.equal(errors, undefined);
    assert.equal(data.teamMembers.totalCount, count);
    assert.ok(data.teamMembers.nodes.every((node) => node.account.email === account.email));
  }
});

test("one account down leaves the rest of the answer standing", async () => {
  const query = `{
    leads(first: 2) { nodes { title assignee { name } } }
    teamMembers(account: { email: "nobody@nowhere.example", type: AGENT }) { totalCount }
    roles { id permissions }
    permissions
  }`;
  const { data, errors } = await ask(query);
  assert.equal(data.teamMembers, null);
  assert.deepEqual(data.permissions, ["read", "write"]);
  assert.deepEqual(data.leads.nodes.map((lead) => lead.title), ["Lead 0", "Lead 1"]);
  assert.ok(data.roles.length > 0 && data.roles.every((role) => role.permissions.length === 1));
  assert.deepEqual(errors.map((error) => error.extensions.code), ["UPSTREAM_REJECTED"]);
});

test("an assignee whom the account does not have is null, and the others stay", async () => {
  const { data, errors } = await ask("{ leads(first: 2) { nodes { title assignee { id name } } } }", MAYA);
  assert.equal(errors, undefined);
  assert.deepEqual(data.leads.nodes.map((lead) => lead.assignee.name), [null, null]);
});

test("the vendor down: answers are marked stale, with the moment they are from", async () => {
  const query = "{ teamMembers { totalCount stale fetchedAt skippedRows { index } } leads(first: 1) { nodes { assignee { name team { stale fetchedAt generation contactAccess } } } } }";
  const fresh = await ask(query, PINES);
  assert.equal(fresh.errors, undefined);
  assert.equal(fresh.data.teamMembers.stale, false);
  await service.misbehave({ status: 503 });
  // Until the fresh window has passed.
  await new Promise((resolve) => setTimeout(resolve, 2100));
  const stale = await ask(query, PINES);
  await service.misbehave({});
  assert.equal(stale.errors, undefined);
  assert.equal(stale.data.teamMembers.stale, true);
  assert.equal(stale.data.teamMembers.totalCount, 250);
  assert.equal(stale.data.teamMembers.fetchedAt, fresh.data.teamMembers.fetchedAt);
  // A member that was looked up says so too, although it came from no list.
  const [before, after] = [fresh, stale].map(({ data }) => data.leads.nodes[0].assignee.team);
  assert.deepEqual({ ...after }, { ...before, stale: true });
  assert.equal(before.stale, false);
  assert.equal(before.fetchedAt, fresh.data.teamMembers.fetchedAt);
  assert.ok(stale.data.leads.nodes[0].assignee.name);
});

test("a gateway that knows the secret can ask the running service for its schema, and no other can", async () => {
  const closed = await start("demo", { "federation.secret_env": "ROUTER_SECRET" }, { ROUTER_SECRET: "between-routers" });
  const load = async (introspectionHeaders) => {
    const subgraphs = [{ name: "team", url: closed.url }];
    const gateway = new ApolloGateway({ supergraphSdl: new IntrospectAndCompose({ subgraphs, introspectionHeaders }), logger });
    await gateway.load();
    await gateway.stop();
  };
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  try {
    await load({ "x-flowmatix-router-secret": "between-routers" });
    await assert.rejects(load({}), /403/);
  } finally {
    closed.stop();
  }
});
