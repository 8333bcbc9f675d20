// What the page asks. Each role comes with its account, which belongs to its name in the cache.

import { graphql } from "./gql/index.ts";

/** A page of the team, how many of it are online, and the roles to choose from: one request, one list of Flowmatix's. */
export const teamQuery = graphql(`
  query Team(
    $account: AccountInput
    $search: String
    $filter: TeamMemberFilter
    $online: TeamMemberFilter
    $orderBy: [TeamMemberOrder!]
    $first: Int!
    $after: String
  ) {
    teamMembers(account: $account, search: $search, filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
      nodes {
        id
        name
        liveAvailability
        status
        type
        unreadMessages
        role {
          id
          account {
            email
            type
          }
        }
        contact {
          email
          phone {
            e164
          }
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
      totalCount
      fetchedAt
      stale
    }
    online: teamMembers(account: $account, search: $search, filter: $online, first: 0) {
      totalCount
    }
    roles(account: $account) {
      id
      account {
        email
        type
      }
      memberCount
    }
  }
`);
