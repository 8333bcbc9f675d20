// What the page asks. Each role comes with its account, which belongs to its name in the cache.

import { graphql } from "./gql/index.ts";

/** A page of the team, how many are online, how many there are in all and by role and availability, and the roles: one request, one list of Flowmatix's. */
export const teamQuery = graphql(`
  query Team(
    $account: AccountInput
    $search: String
    $filter: TeamMemberFilter
    $online: TeamMemberFilter
    $orderBy: [TeamMemberOrder!]
    $first: Int
    $after: String
    $last: Int
    $before: String
  ) {
    teamMembers(
      account: $account
      search: $search
      filter: $filter
      orderBy: $orderBy
      first: $first
      after: $after
      last: $last
      before: $before
    ) {
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
            prefix
            number
            e164
          }
        }
      }
      pageInfo {
        hasPreviousPage
        startCursor
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
    matching: teamMembers(account: $account, search: $search, first: 0) {
      groups(by: [ROLE, LIVE_AVAILABILITY]) {
        key {
          role {
            id
            account {
              email
              type
            }
          }
          liveAvailability
        }
        count
        unreadMessages
      }
    }
    everybody: teamMembers(account: $account, first: 0) {
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

/** What changes in the team. The fields are those that a page shows of a member and that change by themselves. */
export const liveQuery = graphql(`
  subscription Live($account: AccountInput) {
    teamChanges(account: $account) {
      reset
      removedIds
      upserted {
        id
        name
        liveAvailability
        status
        unreadMessages
      }
      team {
        account {
          email
          type
        }
        stale
      }
    }
  }
`);
