// The client, link by link: wait when asked to → hash instead of text → who asks → over HTTP.

import { ApolloClient, ApolloLink, HttpLink } from "@apollo/client";
import { SetContextLink } from "@apollo/client/link/context";

import { createCache } from "./cache.ts";
import { persistedQueries } from "./persisted.ts";
import { RetryAfterLink } from "./retry.ts";

declare module "@apollo/client" {
  namespace ApolloClient {
    namespace DeclareDefaultOptions {
      interface Query {
        errorPolicy: "all";
      }
      interface WatchQuery {
        errorPolicy: "all";
      }
    }
  }
}

/**
 * Apollo's own defaults throw good data away: `errorPolicy` "none" when a single field failed, `refetchWritePolicy`
 * "overwrite" when a list is asked for anew and fails.
 */
export const defaultOptions = {
  query: { errorPolicy: "all" },
  watchQuery: { errorPolicy: "all", refetchWritePolicy: "merge" },
} as const;

interface Options {
  uri: string;
  /** The access token at the moment; none where the service asks for none. */
  token?: () => string | undefined;
  fetch?: typeof fetch;
}

export function createClient({ uri, token, fetch }: Options): ApolloClient {
  const authorization = new SetContextLink(({ headers }) => {
    const bearer = token?.();
    return bearer ? { headers: { ...headers, authorization: `Bearer ${bearer}` } } : {};
  });
  return new ApolloClient({
    cache: createCache(),
    link: ApolloLink.from([
      new RetryAfterLink(),
      // Browsers hash on secure origins alone: https, and this machine's own.
      ...(crypto.subtle ? [persistedQueries()] : []),
      authorization,
      new HttpLink({ uri, ...(fetch && { fetch }) }),
    ]),
    defaultOptions,
    clientAwareness: { name: "team-dashboard" },
  });
}
