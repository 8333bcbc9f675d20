// The example's client, and others made of its parts, with what they sent and got.

import { setImmediate } from "node:timers/promises";

import { ApolloClient, ApolloLink, HttpLink, type ObservableQuery, type OperationVariables } from "@apollo/client";
import { filter, firstValueFrom } from "rxjs";

import { createCache } from "../../../examples/team-dashboard/src/apollo/cache.ts";
import { defaultOptions } from "../../../examples/team-dashboard/src/apollo/client.ts";

export { createCache, endlessList, typePolicies } from "../../../examples/team-dashboard/src/apollo/cache.ts";
export { createClient } from "../../../examples/team-dashboard/src/apollo/client.ts";
export { codeOf, graphqlErrors, retryAfterSeconds } from "../../../examples/team-dashboard/src/apollo/errors.ts";
export { persistedQueries } from "../../../examples/team-dashboard/src/apollo/persisted.ts";

export interface Sent {
  method: string;
  url: URL;
  /** The body as JSON; a batch is a list. */
  body: any;
  signal: AbortSignal | null | undefined;
  status?: number;
  headers?: Headers;
  answer?: any;
}

/** A `fetch` that keeps what went through it. */
export function recording(): { fetch: typeof fetch; sent: Sent[] } {
  const sent: Sent[] = [];
  const recorded: typeof fetch = async (input, init = {}) => {
    const body = typeof init.body === "string" ? JSON.parse(init.body) : undefined;
    const entry: Sent = { method: init.method ?? "GET", url: new URL(String(input)), body, signal: init.signal };
    sent.push(entry);
    const response = await fetch(input, init);
    entry.status = response.status;
    entry.headers = response.headers;
    entry.answer = await response.clone().json();
    return response;
  };
  return { fetch: recorded, sent };
}

/** A client of this link, with the example's cache and options. */
export function bare(link: ApolloLink, cache = createCache()): ApolloClient {
  return new ApolloClient({ cache, link, defaultOptions });
}

/** The same over plain HTTP. */
export function plain(uri: string, options: Partial<HttpLink.Options> = {}): ApolloClient {
  return bare(new HttpLink({ uri, ...options }));
}

/** The first data of a watched query for which this holds. The query stays alive, as in a page that shows it. */
export async function until<Data, Variables extends OperationVariables>(
  list: ObservableQuery<Data, Variables>,
  holds: (data: Data) => boolean = () => true,
): Promise<Data> {
  list.subscribe({ error: () => {} });
  const results = list.pipe(filter(({ dataState, data }) => dataState === "complete" && holds(data as Data)));
  const { data } = await firstValueFrom(results);
  // The client tells others of a result before it has finished with it itself.
  await setImmediate();
  return data as Data;
}
