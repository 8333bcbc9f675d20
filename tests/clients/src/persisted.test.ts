// Queries by their hash: Apollo's automatic persisted queries over POST and GET, and documents that the operator trusts.

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";

import { ApolloLink, HttpLink } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { parse } from "graphql";

import { start } from "../../service.js";
import { bare, codeOf, graphqlErrors, persistedQueries, recording } from "./client.ts";
import { Roles, Team } from "./operations.ts";

type Settings = NonNullable<Parameters<typeof start>[1]>;

async function serving(settings: Settings, body: (url: string) => Promise<void>) {
  const service = await start("demo", settings);
  try {
    await body(service.url);
  } finally {
    service.stop();
  }
}

function client(uri: string, persisted: ApolloLink) {
  const { fetch, sent } = recording();
  return { apollo: bare(ApolloLink.from([persisted, new HttpLink({ uri, fetch })])), sent };
}

/** What was sent of a document, request by request: its text, its hash, or both. */
const parts = ({ method, url, body }: ReturnType<typeof recording>["sent"][number]) => {
  const extensions = method === "GET" ? JSON.parse(url.searchParams.get("extensions") ?? "{}") : body.extensions;
  const text = method === "GET" ? url.searchParams.has("query") : body.query !== undefined;
  return [method, text && "text", extensions?.persistedQuery && "hash"].filter(Boolean).join(" ");
};

test("over POST, a document's text is sent once, by whoever asks first", () =>
  serving({}, async (url) => {
    for (const expected of [["POST hash", "POST text hash"], ["POST hash"]]) {
      const { apollo, sent } = client(url, persistedQueries());
      const { data } = await apollo.query({ query: Team, variables: { first: 2 } });
      assert.equal(data?.teamMembers?.edges.length, 2);
      assert.deepEqual(sent.map(parts), expected);
    }
  }));

test("over GET, hashes are in the address, and the text goes by POST", () =>
  serving({}, async (url) => {
    for (const expected of [["GET hash", "POST text hash"], ["GET hash"]]) {
      const { apollo, sent } = client(url, persistedQueries({ useGETForHashedQueries: true }));
      const { data } = await apollo.query({ query: Team, variables: { first: 2 } });
      assert.equal(data?.teamMembers?.edges.length, 2);
      assert.deepEqual(sent.map(parts), expected);
      assert.match(sent.at(-1)?.headers?.get("cache-control") ?? "", /^private, max-age=\d+$/);
    }
  }));

test("where persisted queries are switched off, the client goes on without", () =>
  serving({ "documents.persisted_queries": false }, async (url) => {
    const { apollo, sent } = client(url, persistedQueries());
    assert.equal((await apollo.query({ query: Team, variables: { first: 2 } })).data?.teamMembers?.edges.length, 2);
    assert.ok((await apollo.query({ query: Roles })).data?.roles);
    assert.deepEqual(sent.map(parts), ["POST hash", "POST text", "POST text"]);
  }));

test("with trusted documents, the generated hashes are enough, and nothing else runs", () => {
  const manifest = resolve("src/gql/persisted-documents.json");
  return serving({ "documents.safelist": "enforce", "documents.manifest": manifest }, async (url) => {
    const generated = new PersistedQueryLink({ generateHash: (document) => (document as any).__meta__.hash });
    const { apollo, sent } = client(url, generated);
    assert.equal((await apollo.query({ query: Team, variables: { first: 2 } })).data?.teamMembers?.edges.length, 2);
    assert.deepEqual(sent.map(parts), ["POST hash"]);

    const stranger = await bare(new HttpLink({ uri: url })).query({ query: parse("{ roles { id } }") });
    assert.deepEqual(graphqlErrors(stranger.error).map(codeOf), ["QUERY_NOT_IN_SAFELIST"]);
  });
});
