// The explorer: GraphiQL over this service's /graphql.

import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";
import "graphiql/style.css";
import "./explorer.css";

import { results } from "./events.js";
import { memoryStorage } from "./memory.js";
import { ownOperation } from "./operation.js";
import { tabs } from "./tabs.js";

async function fetcher(parameters, options) {
  const abort = new AbortController();
  const response = await fetch("/graphql", {
    method: "POST",
    // A subscription comes as a stream, everything else as JSON.
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...options?.headers },
    body: JSON.stringify(ownOperation(parameters)),
    signal: abort.signal,
  });
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
  return isStream ? results(response, () => abort.abort()) : response.json();
}

const root = document.getElementById("explorer");
const starting = tabs("tokens" in root.dataset);

function Explorer() {
  return (
    <GraphiQL
      fetcher={fetcher}
      storage={memoryStorage()}
      defaultTabs={starting}
      shouldPersistHeaders={false}
      showPersistHeadersSettings={false}
    >
      <GraphiQL.Logo>flowmatix-graphql</GraphiQL.Logo>
    </GraphiQL>
  );
}

createRoot(root).render(<Explorer />);
