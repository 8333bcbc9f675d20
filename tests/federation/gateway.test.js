// Real gateways over the real service: queries across subgraphs, what they cost, and what of an answer survives.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";

import { fileURLToPath } from "node:url";

import { ApolloGateway, IntrospectAndCompose } from "@apollo/gateway";

import { LANTERN, PINES, start, startWithKey } from "../service.js";
import { LANTERNS, gateways, members, others, supergraph } from "./graph.js";

let service, ids, rest;

before(async () => {
  service = await start("demo", { "roster.fresh_for": "2s" });
  ids = await members(service);
  rest = await others(ids);
});

after(async () => {
  await rest?.stop();
  service?.stop();
});

/** What a query costs: requests to the service, and calls of its upstream. */
async function costOf(ask) {
  const [requests, calls] = [await service.requests(), await service.calls()];
  const answer = await ask();
  return { ...answer, requests: (await service.requests()) - requests, calls: (await service.calls()) - calls };
}

const codes = (errors) => errors?.map((error) => error.extensions?.code);
const plain = (value) => JSON.parse(JSON.stringify(value));

for (const [name, begin] of gateways) {
  describe(name, () => {
    const started = [];
    let gateway;
    const over = async (sdl) => {
      const gateway = await begin(sdl);
      started.push(gateway);
      return gateway;
    };

    before(async () => {
      gateway = await over(supergraph(service, rest.urls));
    });

    after(() => Promise.all(started.map((gateway) => gateway.stop())));

    test("fifty assignees are one _entities request and at most one upstream call", async () => {
      const query = "{ leads(first: 50) { nodes { title assignee { id name role { id permissions memberCount } } } } }";
      const { data, errors, requests, calls } = await costOf(() => gateway.ask(query, { account: PINES }));
      assert.equal(errors, undefined);
      assert.equal(data.leads.nodes.length, 50);
      for (const [n, lead] of data.leads.nodes.entries()) {
        assert.equal(lead.assignee.id, ids.pines[n]);
        assert.ok(lead.assignee.name);
        assert.deepEqual([...lead.assignee.role.permissions], [`read:${lead.assignee.role.id.slice(0, 4)}`]);
      }
      console.log(`${name}: 50 assignees: ${requests} request to the service, ${calls} upstream calls`);
      assert.equal(requests, 1);
      assert.ok(calls <= 1);
    });

    test("32 owners of two accounts: with both keys those of one are found, with the long key all", async () => {
      const query = "{ deals { id owner { id name } } }";
      for (const [keys, found] of [["both", LANTERNS], ["id", undefined], ["account", 32]]) {
        // A subgraph that has the long key alone cannot be composed with one that has the short one alone.
        if (!found) {
          assert.throws(() => supergraph(service, rest.urls, keys));
          continue;
        }
        const { leads: _, ...urls } = rest.urls;
        const gateway = await over(supergraph(service, urls, keys));
        const { data, errors, requests, calls } = await costOf(() => gateway.ask(query));
        assert.equal(errors, undefined);
        const owners = data.deals.filter((deal) => deal.owner?.name).length;
        console.log(`${name}: federation.keys = ${keys}: ${owners} of 32 owners, ${requests} request, ${calls} upstream calls`);
        assert.deepEqual([owners, requests], [found, 1]);
        assert.ok(calls <= 2);
      }
    });

    test("the long key works where only headers select the account", async () => {
      const strict = await start("demo", { "account.sources": "headers" });
      try {
        const { leads: _, ...urls } = rest.urls;
        const gateway = await over(supergraph(strict, urls, "account"));
        const { data, errors } = await gateway.ask("{ deals { owner { name } } }", { account: PINES });
        assert.equal(data.deals.filter((deal) => deal.owner?.name).length, 32 - LANTERNS);
        // Those of the other account are refused, each with its reason.
        assert.deepEqual(codes(errors), Array(LANTERNS).fill("FORBIDDEN"));
      } finally {
        strict.stop();
      }
    });

    test("the account is the one that the gateway sets", async () => {
      const query = "{ teamMembers { totalCount nodes { account { email } } } }";
      for (const [account, count] of [[LANTERN, 12], [PINES, 250]]) {
        const { data, errors } = await gateway.ask(query, { account }, { "x-flowmatix-email": "solo@quiet-harbor.example", "x-flowmatix-type": "AGENT" });
        assert.equal(errors, undefined);
        assert.equal(data.teamMembers.totalCount, count);
        assert.ok(data.teamMembers.nodes.every((node) => node.account.email === account.email));
      }
    });

    test("a team with its groups, whose roles another subgraph extends", async () => {
      const query = `{ team {
        account { email } stale
        members { totalCount groups(by: [ROLE]) { count key { role { id permissions } } } }
      } }`;
      const { data, errors, requests } = await costOf(() => gateway.ask(query, { account: PINES }));
      assert.equal(errors, undefined);
      const { groups, totalCount } = data.team.members;
      assert.equal(groups.reduce((sum, group) => sum + group.count, 0), totalCount);
      assert.ok(groups.every(({ key: { role } }) => !role || role.permissions[0] === `read:${role.id.slice(0, 4)}`));
      assert.equal(requests, 1);
    });

    test("one account down leaves the rest of the answer standing, and its code survives", async () => {
      const query = `{
        leads(first: 2) { nodes { title assignee { name } } }
        teamMembers(account: { email: "nobody@nowhere.example", type: AGENT }) { totalCount }
        roles { id permissions }
        permissions
      }`;
      const { data, errors } = await gateway.ask(query);
      assert.equal(data.teamMembers, null);
      assert.deepEqual([...data.permissions], ["read", "write"]);
      assert.deepEqual(data.leads.nodes.map((lead) => lead.title), ["Lead 0", "Lead 1"]);
      assert.ok(data.roles.length > 0 && data.roles.every((role) => role.permissions.length === 1));
      assert.deepEqual(codes(errors), ["UPSTREAM_REJECTED"]);
    });

    test("an assignee whom the account does not have is null without an error: also where the account's headers are forgotten", async () => {
      for (const session of [{ account: LANTERN }, undefined]) {
        const { data, errors } = await gateway.ask("{ leads(first: 2) { nodes { title assignee { id name } } } }", session);
        assert.equal(errors, undefined);
        assert.deepEqual(data.leads.nodes.map((lead) => lead.assignee?.name ?? null), [null, null]);
        assert.deepEqual(data.leads.nodes.map((lead) => lead.title), ["Lead 0", "Lead 1"]);
      }
    });

    test("the vendor down: answers are marked stale, with the time they are from", async () => {
      const query = `{
        teamMembers { totalCount stale fetchedAt skippedRows { index } }
        leads(first: 1) { nodes { assignee { name team { stale fetchedAt generation contactAccess } } } }
      }`;
      const asked = async (isStale) => {
        for (;;) {
          const answer = await gateway.ask(query, { account: PINES });
          if (answer.errors || answer.data.teamMembers.stale === isStale) return answer;
        }
      };
      // The tests before may have taken so long that the first answer is of the roster that they read.
      const fresh = await asked(false);
      assert.equal(fresh.errors, undefined);
      await service.misbehave({ status: 503 });
      let stale;
      try {
        stale = await asked(true);
      } finally {
        await service.misbehave({});
      }
      assert.equal(stale.errors, undefined);
      assert.equal(stale.data.teamMembers.totalCount, 250);
      // A member that was looked up says so too, although it came from no list.
      const { team, name } = stale.data.leads.nodes[0].assignee;
      assert.ok(name);
      assert.deepEqual([team.stale, team.fetchedAt], [true, stale.data.teamMembers.fetchedAt]);
      assert.equal(fresh.data.leads.nodes[0].assignee.team.stale, false);
      // The vendor is back: the next tests read anew.
      assert.equal((await asked(false)).errors, undefined);
    });

    test("more entities than the limit are refused with a code: no gateway splits them", async () => {
      const small = await start("demo", { "graphql.representations_limit": 10 });
      try {
        const gateway = await over(supergraph(small, rest.urls));
        const ask = (n) => gateway.ask(`{ leads(first: ${n}) { nodes { assignee { name } } } }`, { account: PINES });
        assert.equal((await ask(10)).errors, undefined);
        const { data, errors } = await ask(11);
        assert.ok(data.leads.nodes.every((lead) => !lead.assignee?.name));
        assert.ok(codes(errors).includes("MAX_REPRESENTATIONS_LIMIT"), JSON.stringify(errors));
      } finally {
        small.stop();
      }
    });

    test("without the scope for contact data it is null, and the code says so", async () => {
      const { service: guarded, key } = await startWithKey();
      try {
        const { leads: _, crm: __, ...urls } = rest.urls;
        // Apollo's gateway refuses a graph with `@requiresScopes`, which it does not know.
        const scopes = name !== "@apollo/gateway";
        if (!scopes) await assert.rejects(over(supergraph(guarded, urls, "both", true)), /requiresScopes/);
        const gateway = await over(supergraph(guarded, urls, "both", scopes));
        const { data, errors } = await gateway.ask("{ teamMembers(first: 3) { nodes { name contact { email } } } }", { token: key });
        assert.deepEqual(plain(data.teamMembers.nodes.map((node) => node.contact)), [null, null, null]);
        assert.ok(data.teamMembers.nodes.every((node) => node.name));
        assert.ok(codes(errors).every((code) => code === "FORBIDDEN") && errors.length > 0, JSON.stringify(errors));
      } finally {
        guarded.stop();
      }
    });

    if (name.includes("Router")) {
      test("its planner is the Rust one: it tells the plans that it made", () => {
        assert.ok(gateway.plans.length > 0);
        assert.ok(JSON.stringify(gateway.plans).includes("Fetch"));
      });
    }
  });
}

test("Hive Gateway's own command takes Hive Router's planner, and its log tells that it did not fall back", async () => {
  const folder = mkdtempSync(join(tmpdir(), "flowmatix-hive-"));
  const file = join(folder, "supergraph.graphql");
  const { leads: _, crm: __, ...urls } = rest.urls;
  writeFileSync(file, supergraph(service, urls));
  const command = fileURLToPath(new URL("node_modules/.bin/hive-gateway", import.meta.url));
  const child = spawn(command, ["supergraph", file, "--hive-router-runtime", "--host", "127.0.0.1", "--port", "0"], { env: { ...process.env, LOG_JSON: "1" } });
  const lines = [];
  try {
    const listening = new Promise((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on("line", (line) => {
          lines.push(line);
          if (line.includes("Listening on")) resolve();
        });
      }
      child.once("exit", () => reject(new Error(lines.join("\n"))));
    });
    await listening;
    const log = lines.join("\n");
    assert.match(log, /Using Hive Router Runtime/);
    assert.doesNotMatch(log, /Could not load|Falling back/);
  } finally {
    child.removeAllListeners("exit");
    child.kill();
    rmSync(folder, { recursive: true });
  }
});

test("a cold look-up of fifty assignees costs exactly one upstream call", async () => {
  const cold = await start("demo");
  try {
    const calls = await cold.calls();
    const list = ids.pines.slice(0, 50).map((id) => `{ __typename: "TeamMember", id: "${id}", account: { email: "${PINES.email}", type: "${PINES.type}" } }`);
    const answer = await cold.query(`{ _entities(representations: [${list}]) { ... on TeamMember { name } } }`);
    assert.ok(answer.data._entities.every((entity) => entity.name));
    assert.equal((await cold.calls()) - calls, 1);
  } finally {
    cold.stop();
  }
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
