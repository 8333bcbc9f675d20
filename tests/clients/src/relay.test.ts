// Relay: its compiler's artifact, its list of persisted queries, and its store.

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";

import type { RequestParameters, Variables } from "relay-runtime";
import relay from "relay-runtime";

import { PINES, start } from "../../service.js";
import TeamRelayQuery, { type TeamRelayQuery as Query } from "./gql/relay/TeamRelayQuery.graphql.ts";

/** A network layer that names each query by the id that the compiler gave it. */
function network(url: string, answers: any[]) {
  const ask = async (params: RequestParameters, variables: Variables) => {
    const headers = { "content-type": "application/json", accept: "application/graphql-response+json" };
    const body = JSON.stringify({ doc_id: params.id, variables });
    const answer = await (await fetch(url, { method: "POST", headers, body })).json();
    answers.push(answer);
    return answer;
  };
  return relay.Network.create(ask);
}

test("queries of the compiler's list run by their ids, and a connection grows page by page", async () => {
  const manifest = resolve("src/gql/relay/persisted_queries.json");
  const service = await start("demo", { "documents.safelist": "enforce", "documents.manifest": manifest });
  try {
    const answers: any[] = [];
    const store = new relay.Store(new relay.RecordSource());
    const environment = new relay.Environment({ network: network(service.url, answers), store });
    const variables = { account: PINES, first: 5 };
    const operation = relay.createOperationDescriptor(TeamRelayQuery, variables);
    environment.retain(operation);
    const people = () => {
      const { teamMembers } = environment.lookup(operation.fragment).data as Query["response"];
      return teamMembers?.edges.map(({ node }) => node.id) ?? [];
    };
    const ask = (after?: string) =>
      relay.fetchQuery<Query>(environment, TeamRelayQuery, { ...variables, ...(after && { after }) }).toPromise();
    assert.equal((await ask())?.teamMembers?.edges.length, 5);
    assert.equal(people().length, 5);
    await ask(answers[0].data.teamMembers.pageInfo.endCursor);
    assert.equal(new Set(people()).size, 10);
    // Nothing but the list runs.
    const answer = await fetch(service.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: "{ roles { id } }" }),
    });
    assert.equal((await answer.json()).errors[0].extensions.code, "QUERY_NOT_IN_SAFELIST");
  } finally {
    service.stop();
  }
});
