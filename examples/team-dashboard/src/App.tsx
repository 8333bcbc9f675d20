// The session, the client that belongs to it, and what is shown: the team, or the way in.

import { ApolloProvider } from "@apollo/client/react";
import { useMemo, useState } from "react";

import { createClient } from "./apollo/client.ts";
import { start, useAddress } from "./address.ts";
import { Team } from "./Team.tsx";
import type { Session } from "./session.ts";

const uri = import.meta.env.VITE_GRAPHQL_URL ?? "/graphql";

export function App() {
  const [visit, setVisit] = useState<{ number: number; session: Session }>({ number: 1, session: { token: "" } });
  const [view, go] = useAddress();
  // A client and a page for each session: nothing that one caller read is left for the next.
  const client = useMemo(() => createClient({ uri, token: () => visit.session.token }), [visit]);
  const enter = (session: Session, arriving: boolean) => {
    // Roles and cursors are an account's own. Whoever arrives with a link has its conditions meant for where they go.
    const stays = arriving || accountOf(session) === accountOf(visit.session);
    if (!stays) go({ ...start, order: view.order });
    setVisit({ number: visit.number + 1, session });
  };
  return (
    <ApolloProvider client={client}>
      <Team key={visit.number} session={visit.session} view={view} onView={go} onSession={enter} />
    </ApolloProvider>
  );
}

const accountOf = ({ account }: Session) => (account ? `${account.type}:${account.email.toLowerCase()}` : "");
