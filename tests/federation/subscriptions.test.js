// A gateway that passes subscriptions through: Hive Gateway with each of its planners, over graphql-transport-ws and over
// server-sent events.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { createGatewayRuntime } from "@graphql-hive/gateway";
import { unifiedGraphHandler } from "@graphql-hive/router-runtime";

import { start } from "../service.js";
import { supergraph as compose } from "./graph.js";

let service, supergraph, member;

before(async () => {
  const quick = { "live.interval": "300ms", "live.interval_floor": "100ms", "budget.calls_per_hour": 1_000_000 };
  service = await start("demo", quick);
  member = (await service.query("{ teamMembers(first: 1) { nodes { id } } }")).data.teamMembers.nodes[0].id;
  supergraph = compose(service, { permissions: "http://127.0.0.1:9/graphql" });
});

after(() => service?.stop());

/** The payloads of a response that is a stream of events. */
async function* events(response) {
  let read = "";
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    read += chunk;
    for (let end; (end = read.indexOf("\n\n")) >= 0; read = read.slice(end + 2)) {
      const data = read.slice(0, end).match(/^data: ?(\{.*)$/m)?.[1];
      if (data) yield JSON.parse(data);
    }
  }
}

const OVER = [
  ["graphql-transport-ws", { options: { subscriptions: { kind: "ws", location: "/graphql" } } }],
  // It asks with GET then.
  ["server-sent events", { headers: [["apollo-require-preflight", "true"]] }],
];
const PLANNERS = [
  ["Hive Gateway", undefined],
  ["Hive Gateway with Hive Router's planner", unifiedGraphHandler],
];

for (const [gatewayName, unifiedGraphHandler] of PLANNERS) for (const [name, team] of OVER) {
  test(`${gatewayName} passes a subscription through over ${name}`, async () => {
    await service.change(member, { liveAvailability: "OFFLINE" });
    const gateway = createGatewayRuntime({
      supergraph,
      logging: false,
      unifiedGraphHandler,
      transportEntries: { team },
    });
    try {
      const query = "subscription { team { members(first: 1) { nodes { id liveAvailability } } } }";
      const abort = new AbortController();
      const response = await gateway.fetch("http://gateway/graphql", {
        method: "POST",
        headers: { "content-type": "application/json", accept: "text/event-stream" },
        body: JSON.stringify({ query }),
        signal: abort.signal,
      });
      const stream = events(response);
      const next = async () => {
        const { value } = await stream.next();
        assert.equal(value?.errors, undefined, JSON.stringify(value));
        return value.data.team.members.nodes[0].liveAvailability;
      };
      // The team may have been read just before it was changed: then the change is the next event.
      if ((await next()) !== "OFFLINE") assert.equal(await next(), "OFFLINE");
      for (const state of ["ONLINE", "OFFLINE", "ONLINE"]) {
        await service.change(member, { liveAvailability: state });
        assert.equal(await next(), state);
      }
      abort.abort();
      await stream.return().catch(() => {});
    } finally {
      await gateway[Symbol.asyncDispose]();
    }
  });
}
