// GraphQL over HTTP to the letter: every audit of graphql-http, those for things that a server SHOULD do included.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { serverAudits } from "graphql-http";

const binary = fileURLToPath(new URL("../../target/debug/flowmatix-graphql", import.meta.url));

let service, url;

before(async () => {
  // The production profile with GET open, because every request carries a token, and with introspection, which audits use.
  const settings = ["auth.mode=passthrough", "http.get_needs_preflight=false", "graphql.introspection=true", "log.format=json"];
  const args = ["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", ...settings.flatMap((setting) => ["--set", setting])];
  service = spawn(binary, args, { stdio: ["ignore", "ignore", "pipe"] });
  const lines = createInterface({ input: service.stderr });
  url = JSON.parse(await new Promise((resolve) => lines.once("line", resolve))).graphql;
});

after(() => service?.kill());

const fetchFn = (input, init = {}) => fetch(input, { ...init, headers: { ...init.headers, authorization: "Bearer any-token" } });
const audits = serverAudits({ url: () => url, fetchFn });

test("there are 61 audits", () => assert.equal(audits.length, 61));

for (const audit of audits) {
  test(`${audit.id} ${audit.name}`, async () => {
    const result = await audit.fn();
    assert.equal(result.status, "ok", result.reason);
  });
}
