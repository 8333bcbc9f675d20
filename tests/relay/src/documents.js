// What the suite asks. `relay-compiler` reads it and writes `__generated__`, which the tests import; this file itself never runs.

import { graphql } from "relay-runtime";

graphql`
  query documentsTeamQuery {
    team {
      account {
        email
      }
      generation
      members(first: 1, orderBy: [{ field: NAME }]) {
        edges {
          node {
            id
            ...documentsMember_member
          }
        }
      }
      roles {
        id
        memberCount
        ...documentsRole_role
      }
    }
  }
`;

graphql`
  fragment documentsMember_member on TeamMember @refetchable(queryName: "documentsMemberRefetchQuery") {
    name
    liveAvailability
    team {
      generation
    }
  }
`;

graphql`
  fragment documentsRole_role on Role
  @argumentDefinitions(count: { type: "Int", defaultValue: 1 }, cursor: { type: "String" })
  @refetchable(queryName: "documentsRolePaginationQuery") {
    members(first: $count, after: $cursor, orderBy: [{ field: NAME }]) @connection(key: "documentsRole_members") {
      totalCount
      edges {
        node {
          id
          name
        }
      }
    }
  }
`;
