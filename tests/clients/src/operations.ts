// What the suite asks, typed from schema.graphql.

import { graphql } from "./gql/index.ts";

export const Team = graphql(`
  query Team(
    $account: AccountInput
    $search: String
    $filter: TeamMemberFilter
    $orderBy: [TeamMemberOrder!]
    $first: Int
    $after: String
  ) {
    teamMembers(account: $account, search: $search, filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
      edges {
        node {
          id
          name
          liveAvailability
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
  }
`);

export const Names = graphql(`
  query Names {
    teamMembers {
      edges {
        node {
          id
          name
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export const Member = graphql(`
  query Member($id: ID!) {
    teamMember(id: $id) {
      id
      name
      liveAvailability
    }
  }
`);

export const Roles = graphql(`
  query Roles($account: AccountInput) {
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

export const Contacts = graphql(`
  query Contacts($first: Int) {
    teamMembers(first: $first) {
      nodes {
        id
        name
        contact {
          email
          phone {
            e164
          }
        }
      }
    }
  }
`);

export const TwoTeams = graphql(`
  query TwoTeams($one: AccountInput!, $other: AccountInput!) {
    one: teamMembers(account: $one) {
      totalCount
      stale
    }
    other: teamMembers(account: $other) {
      totalCount
      stale
    }
  }
`);

export const Snapshots = graphql(`
  query Snapshots($one: AccountInput!, $other: AccountInput!) {
    one: team(account: $one) {
      ...Snapshot
    }
    other: team(account: $other) {
      ...Snapshot
    }
  }

  fragment Snapshot on Team {
    ...TeamName
    generation
    contactAccess
    roles {
      ...RoleName
      memberCount
    }
    members(first: 3) {
      nodes {
        id
        name
        role {
          ...RoleName
        }
        team {
          ...TeamName
        }
      }
      groups(by: [ROLE, LIVE_AVAILABILITY], orderBy: { field: COUNT, direction: DESC }) {
        key {
          liveAvailability
          role {
            ...RoleName
          }
        }
        count
      }
    }
  }

  fragment TeamName on Team {
    account {
      email
      type
    }
  }

  fragment RoleName on Role {
    id
    account {
      email
      type
    }
  }
`);

export const LiveTeam = graphql(`
  subscription LiveTeam($account: AccountInput) {
    team(account: $account) {
      account {
        email
        type
      }
      stale
      members(first: 3) {
        nodes {
          id
          name
          liveAvailability
        }
      }
    }
  }
`);

export const LiveChanges = graphql(`
  subscription LiveChanges($account: AccountInput) {
    teamChanges(account: $account) {
      reset
      removedIds
      upserted {
        id
        liveAvailability
      }
    }
  }
`);
