// urql: GET from the page's own origin, POST from elsewhere, codes and partial data.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Client, cacheExchange, fetchExchange } from "@urql/core";

import { LANTERN, PINES, type Service, start } from "../../service.js";
import { recording } from "./client.ts";
import { Roles, Team } from "./operations.ts";

let service: Service;

before(async () => {
  service = await start("demo");
});

after(() => service?.stop());

/** A client as a page has it: what it sends by GET, a browser marks as of the same origin. */
function client(options: { origin?: string; preferGetMethod?: boolean } = {}) {
  const { fetch: recorded, sent } = recording();
  const browser: typeof fetch = (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set("sec-fetch-site", options.origin ?? "same-origin");
    return recorded(input, { ...init, headers });
  };
  const urql = new Client({
    url: service.url,
    exchanges: [cacheExchange, fetchExchange],
    fetch: browser,
    ...(options.preferGetMethod !== undefined && { preferGetMethod: options.preferGetMethod }),
  });
  return { urql, sent };
}

test("behind the page's own origin it works as it comes, by GET", async () => {
  const { urql, sent } = client();
  const { data, error } = await urql.query(Team, { first: 3, account: PINES }).toPromise();
  assert.equal(error, undefined);
  assert.equal(data?.teamMembers?.edges.length, 3);
  assert.deepEqual(sent.map(({ method, status }) => [method, status]), [["GET", 200]]);
});

test("from another origin it asks by POST", async () => {
  const refused = client({ origin: "cross-site", preferGetMethod: true });
  const { error } = await refused.urql.query(Roles, {}).toPromise();
  assert.equal(error?.graphQLErrors[0]?.extensions["code"], "CSRF_ERROR");
  const { urql, sent } = client({ origin: "cross-site", preferGetMethod: false });
  assert.ok((await urql.query(Roles, {}).toPromise()).data?.roles);
  assert.deepEqual(sent.map(({ method, status }) => [method, status]), [["POST", 200]]);
});

test("a field that fails has its code beside the data of the others", async () => {
  const { urql } = client();
  const { data, error } = await urql.query(Team, { first: -1, account: LANTERN }).toPromise();
  assert.equal(data?.teamMembers, null);
  assert.equal(error?.graphQLErrors[0]?.extensions["code"], "BAD_USER_INPUT");
  assert.deepEqual(error?.graphQLErrors[0]?.path, ["teamMembers"]);
});
