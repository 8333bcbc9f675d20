// The explorer: GraphiQL over this service's /graphql.

import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";
import "graphiql/style.css";
import "./explorer.css";

import { memoryStorage } from "./memory.js";
import { tabs } from "./tabs.js";

async function fetcher(parameters, options) {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", ...options?.headers },
    body: JSON.stringify(parameters),
  });
  return response.json();
}

function Explorer() {
  return (
    <GraphiQL
      fetcher={fetcher}
      storage={memoryStorage()}
      defaultTabs={tabs}
      shouldPersistHeaders={false}
      showPersistHeadersSettings={false}
    >
      <GraphiQL.Logo>flowmatix-graphql</GraphiQL.Logo>
    </GraphiQL>
  );
}

createRoot(document.getElementById("explorer")).render(<Explorer />);
