// The other teams' subgraphs: small servers with made-up leads and permissions.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";

import { buildSubgraphSchema } from "@apollo/subgraph";
import { parse } from "graphql";
import { createYoga } from "graphql-yoga";

const TITLES = ["Harbor Hotel", "Alder & Sons", "Blue Door Dental", "Cedar Clinic", "Northside Gym", "Maple Bakery", "Quartz Studio", "Ridge Rentals"];
const ROLES = [
  ["Coordinator", ["leads:read", "leads:assign", "chat"]],
  ["Specialist", ["leads:read", "chat"]],
  ["Supervisor", ["leads:read", "leads:assign", "leads:export", "team:edit"]],
  ["Observer", ["leads:read"]],
];

export const text = (name) => readFileSync(new URL(`subgraphs/${name}.graphql`, import.meta.url), "utf8");

/** `team` gives the ids of an account's members and roles; the account comes in the headers that the gateway sets. */
export async function startSubgraphs(team) {
  const resolvers = {
    leads: {
      Query: {
        leads: async (_, { first }, { request }) => {
          const { members } = await team(request.headers);
          return Array.from({ length: Math.min(first, 50) }, (_, n) => ({
            id: `lead-${n + 1}`,
            title: TITLES[n % TITLES.length],
            value: 900 + ((n * 3767) % 9000),
            assignee: { __typename: "TeamMember", id: members[(n * 5) % members.length] },
          }));
        },
      },
    },
    permissions: {
      Role: {
        __resolveReference: ({ id }) => {
          const [title, permissions] = ROLES[[...id].reduce((sum, digit) => sum + digit.charCodeAt(0), 0) % ROLES.length];
          return { id, title, permissions };
        },
      },
    },
  };
  const servers = {};
  for (const [name, functions] of Object.entries(resolvers)) {
    const schema = buildSubgraphSchema({ typeDefs: parse(text(name)), resolvers: functions });
    const server = createServer(createYoga({ schema, logging: false, landingPage: false, graphiql: false }));
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    servers[name] = server;
  }
  const urls = Object.fromEntries(Object.entries(servers).map(([name, server]) => [name, `http://127.0.0.1:${server.address().port}/graphql`]));
  return { urls, stop: () => Object.values(servers).forEach((server) => server.close()) };
}
