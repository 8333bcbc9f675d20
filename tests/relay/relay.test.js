// Relay as its users have it: fragments that fetch themselves again by `node(id:)`, and a list that grows by its connection.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import { JSDOM } from "jsdom";
import { Suspense, act, createElement } from "react";

import { start } from "../service.js";

const dom = new JSDOM();
Object.assign(globalThis, { window: dom.window, document: dom.window.document, IS_REACT_ACT_ENVIRONMENT: true });
// Node 20 has none, and later ones have one that cannot be assigned.
Object.defineProperty(globalThis, "navigator", { value: dom.window.navigator, configurable: true });
const { createRoot } = await import("react-dom/client");
const { default: relay } = await import("react-relay");
const { RelayEnvironmentProvider, loadQuery, usePaginationFragment, usePreloadedQuery, useRefetchableFragment } = relay;
const { default: runtime } = await import("relay-runtime");
const { Environment, Network, RecordSource, Store } = runtime;

const artifact = (name) => createRequire(import.meta.url)(`./src/__generated__/${name}.graphql.js`);
const teamQuery = artifact("documentsTeamQuery");
const memberFragment = artifact("documentsMember_member");
const roleFragment = artifact("documentsRole_role");

let service;

before(async () => {
  service = await start("demo");
});

after(() => service?.stop());

async function ask(query, variables = {}, headers = {}) {
  const response = await fetch(service.url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}

/** Renders the team with the first member and the largest role in it; `seen` has what the components were given last. */
async function render(headers = {}) {
  const asked = [];
  const network = Network.create(async ({ name, text }, variables) => {
    asked.push({ name, text, variables });
    return ask(text, variables, headers);
  });
  const environment = new Environment({ network, store: new Store(new RecordSource()) });
  const seen = {};
  const Member = ({ member }) => {
    [seen.member, seen.refetchMember] = useRefetchableFragment(memberFragment, member);
    return seen.member.name;
  };
  const Role = ({ role }) => {
    seen.role = usePaginationFragment(roleFragment, role);
    return seen.role.data.members.edges.map(({ node }) => createElement("li", { key: node.id }, node.name));
  };
  const Team = ({ reference }) => {
    const { team } = usePreloadedQuery(teamQuery, reference);
    seen.team = team;
    seen.largest = team.roles.reduce((largest, role) => (role.memberCount > largest.memberCount ? role : largest));
    return [
      createElement(Member, { key: "member", member: team.members.edges[0].node }),
      createElement(Role, { key: "role", role: seen.largest }),
    ];
  };
  const root = createRoot(document.createElement("div"));
  const reference = loadQuery(environment, teamQuery, {});
  await act(async () => {
    root.render(createElement(RelayEnvironmentProvider, { environment }, createElement(Suspense, { fallback: "…" }, createElement(Team, { reference }))));
    await new Promise((resolve) => reference.source.subscribe({ complete: resolve, error: resolve }));
  });
  return { asked, seen, end: () => act(async () => root.unmount()) };
}

/** Calls a function that takes `onComplete`, and waits for that, while React renders what comes of it. */
async function complete(call) {
  let outcome;
  await act(async () => call({ onComplete: (error) => (outcome = { error }) }));
  while (outcome === undefined) await act(() => new Promise((resolve) => setTimeout(resolve, 5)));
  if (outcome.error) throw outcome.error;
}

test("a role's members come page by page, each page by node(id:)", async () => {
  const { asked, seen, end } = await render();
  const { id, memberCount } = seen.largest;
  assert.ok(memberCount > 3, `the sample's largest role has ${memberCount} members`);
  while (seen.role.hasNext) await complete((options) => seen.role.loadNext(2, options));
  const shown = seen.role.data.members.edges.map(({ node }) => node.name);
  const { data } = await ask("query($id: ID!) { role(id: $id) { members(orderBy: [{ field: NAME }]) { nodes { name } } } }", { id });
  assert.deepEqual(shown, data.role.members.nodes.map(({ name }) => name));
  assert.equal(shown.length, memberCount);
  const pages = asked.filter(({ name }) => name === "documentsRolePaginationQuery");
  assert.equal(pages.length, Math.ceil((memberCount - 1) / 2));
  for (const { text, variables } of pages) {
    assert.match(text, /node\(id: \$id\)/);
    assert.equal(variables.id, id);
  }
  await end();
});

test("a member fetches itself again by node(id:), and the whole screen sees it", async () => {
  const { asked, seen, end } = await render();
  const { id } = seen.team.members.edges[0].node;
  const name = seen.member.name;
  await complete((options) => seen.refetchMember({}, { fetchPolicy: "network-only", ...options }));
  const [query] = asked.filter((query) => query.name === "documentsMemberRefetchQuery");
  assert.equal(query.variables.id, id);
  assert.equal(seen.member.name, name);
  await end();
});

test("an id is looked up in the account that the request names", async () => {
  const pines = { "x-flowmatix-email": "ops@tall-pines.example", "x-flowmatix-type": "CUSTOM_USER" };
  const { seen, end } = await render(pines);
  assert.equal(seen.team.account.email, "ops@tall-pines.example");
  await complete((options) => seen.refetchMember({}, { fetchPolicy: "network-only", ...options }));
  assert.ok(seen.member.name);
  const { id } = seen.team.members.edges[0].node;
  assert.equal((await ask("query($id: ID!) { node(id: $id) { id } }", { id })).data.node, null);
  assert.equal((await ask("query($id: ID!) { node(id: $id) { id } }", { id }, pines)).data.node.id, id);
  await end();
});
