// What Relay's compiler reads: it writes an artifact of it, and its text into the list of persisted queries.

import { graphql } from "relay-runtime";

export const query = graphql`
  query TeamRelayQuery($first: Int!, $after: String, $account: AccountInput) {
    teamMembers(first: $first, after: $after, account: $account) @connection(key: "Team_teamMembers") {
      edges {
        node {
          id
          name
        }
      }
    }
  }
`;
