// What went wrong, by `extensions.code`, as a page that uses Apollo Client sees it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ApolloLink, HttpLink } from "@apollo/client";
import { ServerError } from "@apollo/client/errors";
import { tap } from "rxjs";

import { LANTERN, LANTERN_TOKEN, PINES, type Service, start, startPassthrough, startWithKey } from "../../service.js";
import { bare, codeOf, createClient, graphqlErrors, plain, recording, retryAfterSeconds } from "./client.ts";
import { Contacts, Team } from "./operations.ts";

let demo: Service, passthrough: Service;

before(async () => {
  demo = await start("demo");
  passthrough = await startPassthrough();
});

after(() => {
  demo?.stop();
  passthrough?.stop();
});

const codes = ({ error }: { error?: unknown }) => graphqlErrors(error).map(codeOf);

test("bad input: the argument's field fails, or the whole request where a variable is of no use", async () => {
  const client = createClient({ uri: demo.url });
  const field = await client.query({ query: Team, variables: { first: -1 } });
  assert.deepEqual(codes(field), ["BAD_USER_INPUT"]);
  assert.deepEqual(graphqlErrors(field.error)[0]?.path, ["teamMembers"]);
  const request = await client.query({ query: Team, variables: { account: { email: "nobody", type: "CUSTOMER" } } });
  assert.deepEqual(codes(request), ["BAD_USER_INPUT"]);
  assert.equal(request.data, undefined);
});

test("unauthenticated: no token, a token that Flowmatix does not know, and a good one", async () => {
  let token: string | undefined;
  const client = createClient({ uri: passthrough.url, token: () => token });
  const ask = () => client.query({ query: Team, variables: { first: 1 }, fetchPolicy: "network-only" });
  assert.deepEqual(codes(await ask()), ["UNAUTHENTICATED"]);
  token = "expired";
  assert.deepEqual(codes(await ask()), ["UPSTREAM_UNAUTHENTICATED"]);
  token = LANTERN_TOKEN;
  const { data, error } = await ask();
  assert.equal(error, undefined);
  assert.equal(data?.teamMembers?.totalCount, 12);
});

test("forbidden: a token that does not open the account, and two names in one request", async () => {
  const other = createClient({ uri: passthrough.url, token: () => LANTERN_TOKEN });
  assert.deepEqual(codes(await other.query({ query: Team, variables: { account: PINES } })), ["UPSTREAM_FORBIDDEN"]);
  const headers = { "x-flowmatix-email": LANTERN.email, "x-flowmatix-type": LANTERN.type };
  assert.deepEqual(codes(await plain(demo.url, { headers }).query({ query: Team, variables: { account: PINES } })), ["FORBIDDEN"]);
});

test("a contact that the caller may not read is null, with one error, and everything else is there", async () => {
  const { service, key } = await startWithKey();
  const open = await startWithKey(["--contact"]);
  try {
    const client = createClient({ uri: service.url, token: () => key });
    const { data, error } = await client.query({ query: Contacts, variables: { first: 5 } });
    assert.deepEqual(codes({ error }), ["FORBIDDEN"]);
    assert.deepEqual(graphqlErrors(error)[0]?.path, ["teamMembers", "nodes", 0, "contact"]);
    const nodes = data?.teamMembers?.nodes ?? [];
    assert.equal(nodes.length, 5);
    for (const node of nodes) assert.ok(node.name && node.contact === null);

    const trusted = createClient({ uri: open.service.url, token: () => open.key });
    const all = await trusted.query({ query: Contacts, variables: { first: 5 } });
    assert.equal(all.error, undefined);
    for (const node of all.data?.teamMembers?.nodes ?? []) assert.match(node.contact?.email ?? "", /@lantern-books\.example$/);
  } finally {
    service.stop();
    open.service.stop();
  }
});

test("a refusal has no code where only application/json is accepted", async () => {
  const json = plain(passthrough.url, { headers: { accept: "application/json" } });
  const { error } = await json.query({ query: Team, variables: {} });
  assert.ok(ServerError.is(error));
  assert.equal(error.statusCode, 401);
});

test("rate limited: the client comes back when the service says so", async () => {
  const service = await start("demo", { "http.rate_limit": 2, "http.rate_burst": 2 });
  try {
    const eager = plain(service.url);
    const ask = () => eager.query({ query: Team, variables: { first: 1 }, fetchPolicy: "network-only" });
    let refused = await ask();
    while (!refused.error) refused = await ask();
    assert.deepEqual(codes(refused), ["REQUEST_RATE_LIMITED"]);
    assert.equal(retryAfterSeconds(graphqlErrors(refused.error)), 1);

    const { fetch, sent } = recording();
    const { data } = await createClient({ uri: service.url, fetch }).query({ query: Team, variables: { first: 1 } });
    assert.equal(data?.teamMembers?.edges.length, 1);
    assert.ok(sent.some(({ status }) => status === 429));
  } finally {
    service.stop();
  }
});

test("Flowmatix's plan is used up: a short wait is waited, a long one is told", async () => {
  const service = await start("demo", { "roster.fresh_for": "1s" });
  try {
    const client = createClient({ uri: service.url });
    await service.misbehave({ status: 429, retryAfterSeconds: 1 });
    const patient = client.query({ query: Team, variables: { first: 1 } });
    while ((await service.calls()) === 0);
    await service.misbehave({});
    assert.equal((await patient).data?.teamMembers?.edges.length, 1);

    await service.misbehave({ status: 429, retryAfterSeconds: 120 });
    const told = await client.query({ query: Team, variables: { account: PINES } });
    assert.deepEqual(codes(told), ["UPSTREAM_RATE_LIMITED"]);
    const seconds = retryAfterSeconds(graphqlErrors(told.error)) ?? 0;
    assert.ok(seconds > 100 && seconds <= 120, `${seconds}`);
  } finally {
    service.stop();
  }
});

test("with Apollo's own error policy, one bad field costs the page everything", async () => {
  const client = createClient({ uri: demo.url });
  const variables = { account: { email: "nobody@nowhere.example", type: "CUSTOMER" as const } };
  await assert.rejects(client.query({ query: Team, variables, errorPolicy: "none" }), (error) => codes({ error })[0] === "UPSTREAM_REJECTED");
});

test("`extensions` of an answer are seen by links alone", async () => {
  let upstream: any;
  const looking = new ApolloLink((operation, forward) => forward(operation).pipe(tap(({ extensions }) => (upstream = extensions?.upstream))));
  const result = await bare(ApolloLink.from([looking, new HttpLink({ uri: demo.url })])).query({ query: Team, variables: { first: 1 } });
  assert.equal("extensions" in result, false);
  assert.equal(typeof upstream.calls, "number");
});
