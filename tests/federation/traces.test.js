// Federated traces, decoded with Apollo's own messages, alone and through Apollo's gateway; and what else Apollo's report on
// the compatibility of subgraphs looks at.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ApolloGateway, RemoteGraphQLDataSource } from "@apollo/gateway";
import { ApolloServer } from "@apollo/server";
import usage from "@apollo/usage-reporting-protobuf";

import { start } from "../service.js";
import { members, others, ours, supergraph } from "./graph.js";

const { Trace } = usage;
const SECRET = { "x-flowmatix-router-secret": "between-routers" };
const ASKED = { "apollo-federation-include-trace": "ftv1" };

let service, ids, rest;

before(async () => {
  service = await start("demo", { "federation.secret_env": "ROUTER_SECRET" }, { ROUTER_SECRET: "between-routers" });
  ids = await members(service);
  rest = await others(ids);
});

after(async () => {
  await rest?.stop();
  service?.stop();
});

/** Every node of a trace, with its path. */
function* nodes(node, path = "") {
  yield [path, node];
  for (const child of node.child ?? []) yield* nodes(child, `${path}/${child.responseName || child.index}`);
}

test("federated tracing: the trace decodes, with fields, types, times and masked errors", async () => {
  const query = `{
    people: teamMembers(first: 2) { nodes { id name role { id memberCount } } }
    gone: teamMembers(account: { email: "nobody@nowhere.example", type: AGENT }) { totalCount }
  }`;
  const before = Date.now();
  const answer = await service.query(query, { ...ASKED, ...SECRET });
  const trace = Trace.decode(Buffer.from(answer.extensions.ftv1, "base64"));
  assert.equal(Trace.verify(Trace.toObject(trace)), null);
  const found = new Map(nodes(trace.root));
  const paths = [...found.keys()];
  assert.deepEqual(paths.filter((path) => path.startsWith("/people/nodes/1")), ["", "/id", "/name", "/role", "/role/id", "/role/memberCount"].map((path) => `/people/nodes/1${path}`));
  const name = found.get("/people/nodes/0/name");
  assert.deepEqual([name.parentType, name.type], ["TeamMember", "String"]);
  assert.equal(found.get("/people").originalFieldName, "teamMembers");
  // Each time lies within the trace, and the trace within the request.
  const duration = Number(trace.durationNs);
  assert.ok(duration > 0 && duration < (Date.now() - before + 1) * 1e6);
  assert.ok(Math.abs(trace.startTime.seconds * 1e3 - before) < 60_000 && trace.endTime.seconds >= trace.startTime.seconds);
  for (const [path, node] of found) {
    const [from, to] = [Number(node.startTime), Number(node.endTime)];
    assert.ok(from <= to && to <= duration, path);
  }
  const errors = [...found].flatMap(([path, node]) => (node.error ?? []).map((error) => [path, error.message, JSON.parse(error.json).extensions.code]));
  assert.deepEqual(errors, [["/gone", "<masked>", "UPSTREAM_REJECTED"]]);
  console.log(JSON.stringify({ people: found.get("/people/nodes/0"), gone: found.get("/gone") }, (key, value) => (key === "child" && value.length > 2 ? value.slice(0, 2) : value)));
  // Nobody else gets one.
  for (const headers of [ASKED, SECRET, {}]) assert.equal((await service.query(query, headers)).extensions.ftv1, undefined);
});

test("Apollo's gateway takes the trace into its own", async () => {
  class Team extends RemoteGraphQLDataSource {
    willSendRequest({ request }) {
      request.http.headers.set("x-flowmatix-router-secret", "between-routers");
    }
  }
  let plan;
  const capture = {
    async requestDidStart({ metrics }) {
      metrics.captureTraces = true;
      return {
        async willSendResponse({ metrics }) {
          plan = metrics.queryPlanTrace;
        },
      };
    },
  };
  const { leads: _, crm: __, ...urls } = rest.urls;
  const buildService = ({ name, url }) => (name === "team" ? new Team({ url }) : new RemoteGraphQLDataSource({ url }));
  const server = new ApolloServer({ gateway: new ApolloGateway({ supergraphSdl: supergraph(service, urls), buildService }), plugins: [capture] });
  await server.start();
  try {
    const { body } = await server.executeOperation({ query: "{ teamMembers(first: 2) { nodes { name role { permissions } } } }" });
    assert.equal(body.singleResult.errors, undefined);
    const fetches = [];
    const walk = (node) => {
      if (node.fetch) fetches.push(node.fetch);
      for (const below of [...(node.sequence?.nodes ?? []), ...(node.parallel?.nodes ?? []), node.flatten?.node].filter(Boolean)) walk(below);
    };
    walk(plan);
    const team = fetches.find((fetch) => fetch.serviceName === "team");
    assert.equal(team.traceParsingFailed, false);
    assert.ok([...nodes(team.trace.root)].some(([path, node]) => path === "/teamMembers/nodes/1/name" && node.type === "String"));
  } finally {
    await server.stop();
  }
});

// The columns of the report that this schema can show, by what the report looks for.
const sdl = ours();
const COLUMNS = {
  "_service": async () => assert.match((await service.query("{ _service { sdl } }", SECRET)).data._service.sdl, /@link/),
  "@key (single)": () => entity({ __typename: "Role" }, "Role { memberCount }"),
  "@key (composite)": () => entity({ __typename: "TeamMember", account: LANTERN_ACCOUNT }, "TeamMember { name }"),
  "repeatable @key": () => assert.match(sdl, /type TeamMember @key\(fields: "id"\) @key\(fields: "id account \{ email type \}"\)/),
  "@link": () => assert.match(sdl, /extend schema @link\(url: "https:\/\/specs\.apollo\.dev\/federation\/v2\.5", import: \[/),
  "@shareable": () => assert.match(sdl, /type PageInfo @shareable/),
  "@tag": () => assert.match(sdl, /contact: TeamMemberContact @tag\(name: "personal-data"\)/),
  "@composeDirective": () => assert.match(supergraph(service, {}), /@link\(url: "https:\/\/specs\.apollo\.dev\/nullability\/v0\.4"/),
};
const LANTERN_ACCOUNT = { email: "maya@lantern-books.example", type: "CUSTOMER" };

/** Resolves a reference to the first member, or to its role. */
async function entity(representation, selection) {
  const { data } = await service.query(`{ teamMember(id: "${ids.lantern[0]}") { id role { id } } }`);
  const id = representation.__typename === "Role" ? data.teamMember.role.id : data.teamMember.id;
  const body = { query: `query($r: [_Any!]!) { _entities(representations: $r) { ... on ${selection} } }`, variables: { r: [{ ...representation, id }] } };
  const response = await fetch(service.url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const answer = await response.json();
  assert.equal(answer.errors, undefined);
  assert.ok(Object.values(answer.data._entities[0])[0]);
}

for (const [column, holds] of Object.entries(COLUMNS)) {
  test(`subgraph compatibility: ${column}`, holds);
}
