// The session, the client that belongs to it, and what is shown: the team, or the way in.

import { ApolloProvider } from "@apollo/client/react";
import { useMemo, useState } from "react";

import { createClient } from "./apollo/client.ts";
import { Team } from "./Team.tsx";
import type { Session } from "./session.ts";

const uri = import.meta.env.VITE_GRAPHQL_URL ?? "/graphql";

export function App() {
  const [session, setSession] = useState<Session>({ token: "" });
  // A client for each session: nothing that one caller read is left in the cache for the next.
  const client = useMemo(() => createClient({ uri, token: () => session.token }), [session]);
  return (
    <ApolloProvider client={client}>
      <Team session={session} onSession={setSession} />
    </ApolloProvider>
  );
}
