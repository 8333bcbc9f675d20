// The session, the client that belongs to it, and what is shown: the team, or the way in.

import { ApolloProvider } from "@apollo/client/react";
import { useMemo, useState } from "react";

import { createClient } from "./apollo/client.ts";
import { type Conditions, everybody } from "./Filters.tsx";
import { Team } from "./Team.tsx";
import type { Session } from "./session.ts";

const uri = import.meta.env.VITE_GRAPHQL_URL ?? "/graphql";

export function App() {
  const [visit, setVisit] = useState<{ number: number; session: Session }>({ number: 1, session: { token: "" } });
  const [conditions, setConditions] = useState<Conditions>(everybody);
  // A client and a page for each session: nothing that one caller read is left for the next.
  const client = useMemo(() => createClient({ uri, token: () => visit.session.token }), [visit]);
  return (
    <ApolloProvider client={client}>
      <Team
        key={visit.number}
        session={visit.session}
        conditions={conditions}
        onConditions={setConditions}
        onSession={(session) => setVisit({ number: visit.number + 1, session })}
      />
    </ApolloProvider>
  );
}
