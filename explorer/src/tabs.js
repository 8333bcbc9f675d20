// The tabs that are open at the start: real queries over the sample's accounts, each worth running. Their lines fit a phone.

const team = `# A team, and everybody's role.
# Press the round play button.
query Team {
  teamMembers(
    first: 12
    orderBy: [{ field: NAME }]
  ) {
    totalCount
    nodes {
      name
      status
      liveAvailability
      role { id }
    }
  }
}
`;

const role = `# One role's members: everybody
# with the role of the first in
# the team.
query Role {
  teamMembers(first: 1) {
    nodes {
      name
      role {
        ...Members
      }
    }
  }
}

fragment Members on Role {
  id
  memberCount
  members(
    orderBy: [{
      field: UNREAD_MESSAGES
      direction: DESC
    }]
  ) {
    nodes { name unreadMessages }
  }
}
`;

const accounts = `# Several accounts in a request.
# One that fails does not touch
# the others. Look at Variables.
query Accounts(
  $first: AccountInput!
  $second: AccountInput!
) {
  first: teamMembers(
    account: $first
    first: 3
  ) {
    totalCount
    nodes { name }
  }
  second: teamMembers(
    account: $second
    first: 3
    search: "an"
  ) {
    totalCount
    nodes {
      name
      contact { email }
    }
  }
}
`;

const cost = `# What a response cost: run it
# twice, and look below the data,
# at extensions.upstream. "calls"
# is what was asked of Flowmatix,
# "cache" where the list was.
query Cost(
  $account: AccountInput!
) {
  teamMembers(
    account: $account
    first: 1
  ) {
    fetchedAt
    stale
    skippedRows { index reason }
  }
}
`;

const snapshot = `# A team as one snapshot: all of
# this was read from one list of
# Flowmatix's.
query Snapshot {
  team {
    generation
    fetchedAt
    contactAccess
    roles { id memberCount }
    members(
      search: "an"
      first: 3
    ) {
      totalCount
      nodes { name }
    }
  }
}
`;

const groups = `# How many there are of each
# kind: counted over the whole
# team, not over a page.
query Groups {
  teamMembers(first: 0) {
    totalCount
    groups(
      by: [
        STATUS
        LIVE_AVAILABILITY
      ]
      orderBy: {
        field: COUNT
        direction: DESC
      }
    ) {
      key {
        status
        liveAvailability
      }
      count
      unreadMessages
    }
  }
}
`;

const node = `# A member or a role again, by
# its id alone, as Relay asks for
# it. The id is under Variables.
query Node($id: ID!) {
  node(id: $id) {
    __typename
    id
    ... on TeamMember {
      name
      status
    }
    ... on Role {
      memberCount
      members(first: 3) {
        nodes { id name }
      }
    }
  }
}
`;

const token = `# An account's permanent token.
# It opens the account to all who
# have it, like a password.
mutation Token(
  $account: AccountInput!
) {
  issuePermanentToken(
    account: $account
  ) {
    token
    active
  }
}
`;

const live = `# Who is online, live: press play
# and wait. extensions.live tells
# what the watching costs.
subscription Live {
  team {
    stale
    members(
      orderBy: [{ field: NAME }]
    ) {
      nodes {
        name
        liveAvailability
        unreadMessages
      }
    }
  }
}
`;

const pines = { email: "ops@tall-pines.example", type: "CUSTOM_USER" };
const harbor = { email: "solo@quiet-harbor.example", type: "AGENT" };
const json = (variables) => JSON.stringify(variables, null, 2);

/** A role of the default account's. */
const support = "65f100020552c723758530ae";

/** @param {boolean} withTokens whether there is a sample that issues tokens */
export const tabs = (withTokens) => [
  { query: team },
  { query: role },
  { query: snapshot },
  { query: groups },
  { query: node, variables: json({ id: support }) },
  { query: accounts, variables: json({ first: harbor, second: pines }) },
  { query: cost, variables: json({ account: pines }) },
  { query: live },
  ...(withTokens ? [{ query: token, variables: json({ account: pines }) }] : []),
];
