// A graph around the real service: other teams' subgraphs, the supergraph that is composed of all, and the gateways that are put
// in front of it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { composeServices } from "@apollo/composition";
import { ApolloGateway, RemoteGraphQLDataSource } from "@apollo/gateway";
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { buildSubgraphSchema } from "@apollo/subgraph";
import { createGatewayRuntime } from "@graphql-hive/gateway";
import { unifiedGraphHandler, useQueryPlan } from "@graphql-hive/router-runtime";
import { parse } from "graphql";

import { LANTERN, PINES, print } from "../service.js";

/** The text of another team's subgraph. */
export const text = (name) => readFileSync(new URL(`subgraphs/${name}.graphql`, import.meta.url), "utf8");

/** The service's subgraph, with these keys of members and roles, and with `@requiresScopes` if that is wanted. */
export function ours(keys = "both", scopes = false) {
  return print("schema", "--federation", "--without-tokens", "--set", `federation.keys=${keys}`, "--set", `federation.requires_scopes=${scopes}`);
}

/** The ids of all members of the sample's two larger teams. */
export async function members(service) {
  const ids = async ({ email, type }) => {
    const { data } = await service.query(`{ teamMembers(account: { email: "${email}", type: ${type} }, first: 1000) { nodes { id } } }`);
    return data.teamMembers.nodes.map((node) => node.id);
  };
  return { lantern: await ids(LANTERN), pines: await ids(PINES) };
}

/** How many members of the first team own deals: all of them; the rest of the 32 deals are the second team's. */
export const LANTERNS = 12;

/** The other teams' subgraphs, as servers: sales leads and their assignees, deals of two accounts and their owners, permissions. */
export async function others({ lantern, pines }) {
  const pageInfo = { hasNextPage: false, hasPreviousPage: false };
  const assignee = (n) => ({ __typename: "TeamMember", id: pines[n] });
  const owner = (id, account) => ({ owner: { __typename: "TeamMember", id, account } });
  const deals = [...lantern.slice(0, LANTERNS).map((id) => owner(id, LANTERN)), ...pines.slice(0, 20).map((id) => owner(id, PINES))];
  const resolvers = {
    leads: {
      Query: {
        leads: (_, { first }) => ({
          pageInfo,
          nodes: Array.from({ length: first }, (_, n) => ({ id: `lead-${n}`, title: `Lead ${n}`, assignee: assignee(n) })),
        }),
      },
    },
    crm: { Query: { deals: () => deals.map((deal, n) => ({ id: `deal-${n}`, ...deal })) } },
    permissions: {
      Query: { permissions: () => ["read", "write"] },
      Role: { __resolveReference: ({ id }) => ({ id, permissions: [`read:${id.slice(0, 4)}`] }) },
    },
  };
  const servers = [];
  const urls = {};
  for (const [name, functions] of Object.entries(resolvers)) {
    const server = new ApolloServer({ schema: buildSubgraphSchema({ typeDefs: parse(text(name)), resolvers: functions }) });
    servers.push(server);
    urls[name] = (await startStandaloneServer(server, { listen: { port: 0, host: "127.0.0.1" } })).url;
  }
  return { urls, stop: () => Promise.all(servers.map((server) => server.stop())) };
}

/** The supergraph of the service, with these keys, and the subgraphs at these addresses. */
export function supergraph(service, urls, keys, scopes) {
  const rest = Object.entries(urls).map(([name, url]) => ({ name, typeDefs: parse(text(name)), url }));
  const { supergraphSdl, errors } = composeServices([{ name: "team", typeDefs: parse(ours(keys, scopes)), url: service.url }, ...rest]);
  assert.equal(errors, undefined);
  return supergraphSdl;
}

/** The headers that a gateway sets for the service, and never takes from a client. */
function headersFor({ account, token } = {}) {
  return {
    ...(account && { "x-flowmatix-email": account.email, "x-flowmatix-type": account.type }),
    ...(token && { authorization: `Bearer ${token}` }),
  };
}

/** The service's subgraph as Apollo's gateway calls it. */
class Team extends RemoteGraphQLDataSource {
  willSendRequest({ request, context }) {
    for (const [name, value] of Object.entries(headersFor(context.session))) request.http.headers.set(name, value);
  }
}

async function apollo(supergraphSdl) {
  const buildService = ({ name, url }) => (name === "team" ? new Team({ url }) : new RemoteGraphQLDataSource({ url }));
  const server = new ApolloServer({ gateway: new ApolloGateway({ supergraphSdl, buildService }) });
  await server.start();
  return {
    ask: async (query, session) => (await server.executeOperation({ query }, { contextValue: { session } })).body.singleResult,
    stop: () => server.stop(),
  };
}

async function hive(supergraph, more = {}) {
  // What a gateway knows of its clients: a session, and the account that is the session's.
  const sessions = new Map();
  const gateway = createGatewayRuntime({
    supergraph,
    logging: false,
    propagateHeaders: {
      fromClientToSubgraphs: ({ request, subgraphName }) =>
        subgraphName === "team" ? headersFor(sessions.get(request.headers.get("x-session"))) : undefined,
    },
    ...more,
  });
  return {
    ask: async (query, session, headers = {}) => {
      const id = String(sessions.size);
      sessions.set(id, session);
      const response = await gateway.fetch("http://gateway/graphql", {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json", "x-session": id, ...headers },
        body: JSON.stringify({ query }),
      });
      return response.json();
    },
    stop: () => gateway[Symbol.asyncDispose](),
  };
}

/** Hive Router's planner, which is written in Rust, in Hive Gateway. The plans that it made tell that it is in use. */
async function hiveRouter(supergraph) {
  const plans = [];
  const plugins = () => [useQueryPlan({ onQueryPlan: (plan) => plans.push(plan) })];
  return { ...(await hive(supergraph, { unifiedGraphHandler, plugins })), plans };
}

/** Every gateway that the suite runs: a name, and how it is started over a supergraph. */
export const gateways = [
  ["@apollo/gateway", apollo],
  ["Hive Gateway", hive],
  ["Hive Gateway with Hive Router's planner", hiveRouter],
];
