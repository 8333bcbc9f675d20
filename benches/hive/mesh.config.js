// The REST endpoint, described as Mesh's JSON schema source takes it; `npm run compose` makes the supergraph of it.

import { createRenameFieldTransform, defineConfig } from "@graphql-mesh/compose-cli";
import { loadJSONSchemaSubgraph } from "@omnigraph/json-schema";

const oneOf = (title, ...values) => ({ title, type: "string", enum: values });
const userType = oneOf("UserType", "AGENT", "CUSTOM_USER", "CUSTOMER");

const member = {
  title: "TeamMember",
  type: "object",
  required: ["_id"],
  properties: {
    _id: { type: "string" },
    name: { type: "string" },
    picture: { type: "string" },
    liveAvailability: oneOf("LiveAvailability", "ONLINE", "OFFLINE"),
    leadsVisibility: oneOf("LeadsVisibility", "ALL", "ASSIGNED"),
    status: oneOf("Status", "ACTIVE", "INACTIVE"),
    description: { type: "string" },
    type: userType,
    unreadMessages: { type: "integer" },
    _parent: { type: "string" },
    whitelabel: { type: "boolean" },
    createdAt: { type: "string" },
    updatedAt: { type: "string" },
    __v: { type: "integer" },
  },
};

const teams = loadJSONSchemaSubgraph("Teams", {
  endpoint: "{env.UPSTREAM}",
  operations: [
    {
      type: "Query",
      field: "team",
      method: "GET",
      path: "custom-user?email={args.email}&type={args.type}",
      headers: { authorization: "Bearer bench", authtype: "Key" },
      requiredArgs: ["email", "type"],
      argTypeMap: { email: { type: "string" }, type: userType },
      responseSchema: {
        title: "TeamMemberConnection",
        type: "object",
        required: ["data"],
        properties: { data: { type: "array", items: member } },
      },
    },
  ],
});

// `__v` is no name in GraphQL; Mesh calls it `_0v`.
const names = { data: "nodes", _id: "id", _parent: "agencyId", _0v: "version" };

export const composeConfig = defineConfig({
  subgraphs: [
    {
      sourceHandler: teams,
      transforms: [createRenameFieldTransform(({ fieldName }) => names[fieldName] ?? fieldName)],
    },
  ],
  // The query that the contestants have in common; `gateway.config.js` has its resolver.
  additionalTypeDefs: /* GraphQL */ `
    extend type Query {
      teamMembers(account: AccountInput!, first: Int!, filter: TeamMemberFilter): TeamMemberConnection
    }
    input AccountInput { email: String! type: UserType! }
    input TeamMemberFilter { unreadMessages: IntFilter }
    input IntFilter { gte: Int }
  `,
});
