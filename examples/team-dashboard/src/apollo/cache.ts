// How answers are kept. A member is one object wherever it was read; what has no life of its own stays inside its owner.

import { type FieldFunctionOptions, type FieldPolicy, InMemoryCache, type TypePolicies } from "@apollo/client";
import { relayStylePagination } from "@apollo/client/utilities";

/** A field that failed comes as null: the list that was there is kept, and where there was none, none is known. */
const list: FieldPolicy = { merge: (existing, incoming) => incoming ?? existing };

/** A list that grows page by page, one for each combination of these arguments. */
export function endlessList(keyArgs: string[]): FieldPolicy {
  const { merge, ...relay } = relayStylePagination(keyArgs);
  if (typeof merge !== "function") throw new TypeError("relayStylePagination has a merge function");
  // Its own merge makes an empty list of a first page that failed.
  return { ...relay, merge: (existing, incoming, options) => (incoming ? merge(existing, incoming, options) : existing) };
}

/** A member that a list has brought needs no request. */
const memberOfAList: FieldPolicy = {
  read: (existing, { args, toReference }: FieldFunctionOptions) =>
    existing === undefined ? toReference({ __typename: "TeamMember", id: args?.id }) : existing,
};

export const typePolicies: TypePolicies = {
  Query: { fields: { teamMembers: list, roles: list, teamMember: memberOfAList } },
  TeamMember: { keyFields: ["id"] },
  // A role is counted and listed within one account, so its account belongs to its name: select `account { email type }`.
  Role: { keyFields: ["id", "account", ["email", "type"]] },
  // So is a team.
  Team: { keyFields: ["account", ["email", "type"]] },
  Account: { keyFields: ["email", "type"] },
  TeamMemberContact: { keyFields: false, merge: true },
  TeamMemberPhone: { keyFields: false, merge: true },
};

export const createCache = () => new InMemoryCache({ typePolicies });
