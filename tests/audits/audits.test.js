// GraphQL over HTTP to the letter: every audit of graphql-http, those for things that a server SHOULD do included.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { serverAudits } from "graphql-http";

import { start } from "../service.js";

let service;

before(async () => {
  // The production profile with GET open, because every request carries a token, and with introspection, which audits use.
  service = await start("serve", { "auth.mode": "passthrough", "http.csrf_protection": false, "graphql.introspection": true });
});

after(() => service?.stop());

const fetchFn = (input, init = {}) => fetch(input, { ...init, headers: { ...init.headers, authorization: "Bearer any-token" } });
const audits = serverAudits({ url: () => service.url, fetchFn });

test("there are 61 audits", () => assert.equal(audits.length, 61));

for (const audit of audits) {
  test(`${audit.id} ${audit.name}`, async () => {
    const result = await audit.fn();
    assert.equal(result.status, "ok", result.reason);
  });
}
