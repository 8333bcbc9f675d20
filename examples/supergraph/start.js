// The model supergraph: starts the service and the other teams' subgraphs, composes them, and puts a gateway in front.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";

import { createGatewayRuntime } from "@graphql-hive/gateway-runtime";
import * as http from "@graphql-mesh/transport-http";
import { renderGraphiQL } from "@graphql-yoga/render-graphiql";
import { composeServices } from "@theguild/federation-composition";
import { parse } from "graphql";

import { ask, startService } from "./service.js";
import { startSubgraphs, text } from "./subgraphs.js";

/** Who is signed in: a real gateway verifies a session or a token here. The account is the gateway's to choose, not the client's. */
const SESSIONS = {
  pines: { name: "Tall Pines", email: "ops@tall-pines.example", type: "CUSTOM_USER" },
  lantern: { name: "Lantern Books", email: "maya@lantern-books.example", type: "CUSTOMER" },
};
const sessionOf = (headers) => SESSIONS[headers.get("x-session")] ?? SESSIONS.pines;
const accountHeaders = ({ email, type }) => ({ "x-flowmatix-email": email, "x-flowmatix-type": type });

const service = await startService();

/** The members of a request's account. The sales team's own database would know them. */
const teams = new Map();
async function team(headers) {
  const session = sessionOf(headers);
  if (!teams.has(session)) {
    const data = await ask(service.url, "{ teamMembers(first: 100) { nodes { id } } }", accountHeaders(session));
    teams.set(session, { members: data.teamMembers.nodes.map((node) => node.id) });
  }
  return teams.get(session);
}

const subgraphs = await startSubgraphs(team);
const { _service } = await ask(service.url, "{ _service { sdl } }");
const { errors, supergraphSdl } = composeServices([
  { name: "team", typeDefs: parse(_service.sdl), url: service.url },
  ...Object.entries(subgraphs.urls).map(([name, url]) => ({ name, typeDefs: parse(text(name)), url })),
]);
if (errors) throw new Error(errors.map((error) => error.message).join("\n"));

const gateway = createGatewayRuntime({
  supergraph: supergraphSdl,
  logging: false,
  transports: { http: { default: http.default ?? http } },
  propagateHeaders: {
    fromClientToSubgraphs: ({ request, subgraphName }) => {
      const session = request.headers.get("x-session") ?? "pines";
      return subgraphName === "team" ? accountHeaders(sessionOf(request.headers)) : { "x-session": session };
    },
  },
  // The bundle is in the package: the page asks no other host for it.
  graphiql: { title: "A model supergraph", defaultQuery: "{ leads(first: 3) { title assignee { name role { title permissions } } } }" },
  renderGraphiQL,
  plugins: () => [countRequests()],
});

/** Tells with each answer how many requests each subgraph got for it. */
function countRequests() {
  const counts = new WeakMap();
  return {
    onFetch({ context, executionRequest }) {
      const name = executionRequest?.subgraphName;
      if (!name || !context?.request) return;
      const known = counts.get(context.request) ?? {};
      counts.set(context.request, { ...known, [name]: (known[name] ?? 0) + 1 });
    },
    onResultProcess({ request, result, setResult }) {
      const requests = counts.get(request);
      if (requests && !Array.isArray(result)) setResult({ ...result, extensions: { ...result.extensions, requests } });
    },
  };
}

const page = readFileSync(new URL("page.html", import.meta.url));
const server = createServer((request, response) => {
  if (request.method === "GET" && request.url === "/") {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
    response.end(page);
  } else {
    gateway(request, response);
  }
});
const port = Number(process.env.PORT ?? 4000);
server.once("error", (error) => {
  console.error(error.code === "EADDRINUSE" ? `port ${port} is taken: set PORT to another one` : error.message);
  stop(1);
});
server.listen(port, "127.0.0.1", () => {
  console.log(`The graph: http://127.0.0.1:${server.address().port}/`);
  console.log(`GraphiQL:  http://127.0.0.1:${server.address().port}/graphql`);
});

function stop(code = 0) {
  server.close();
  subgraphs.stop();
  service.stop();
  process.exit(code);
}
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stop());
