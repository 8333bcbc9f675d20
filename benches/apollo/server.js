// Apollo Server with its REST data source, as its documentation has it: one data source for each request, one cache for all of
// them, answers of the upstream kept for an hour. Prints its address.

import { RESTDataSource } from "@apollo/datasource-rest";
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";

const upstream = process.argv[2];

const typeDefs = `#graphql
  type Query {
    teamMembers(account: AccountInput!, first: Int!, filter: TeamMemberFilter): TeamMemberConnection
  }
  input AccountInput { email: String! type: UserType! }
  input TeamMemberFilter { unreadMessages: IntFilter }
  input IntFilter { gte: Int }
  type TeamMemberConnection { nodes: [TeamMember!]! }
  type TeamMember {
    id: ID!
    name: String
    picture: String
    liveAvailability: LiveAvailability
    leadsVisibility: LeadsVisibility
    status: Status
    description: String
    type: UserType
    unreadMessages: Int
    agencyId: ID
    whitelabel: Boolean
    createdAt: String
    updatedAt: String
    version: Int
  }
  enum UserType { AGENT CUSTOM_USER CUSTOMER }
  enum LiveAvailability { ONLINE OFFLINE }
  enum LeadsVisibility { ALL ASSIGNED }
  enum Status { ACTIVE INACTIVE }
`;

const resolvers = {
  Query: {
    async teamMembers(_, { account, first, filter }, { teams }) {
      const least = filter?.unreadMessages?.gte ?? -Infinity;
      const members = await teams.list(account);
      return { nodes: members.filter((member) => member.unreadMessages >= least).slice(0, first) };
    },
  },
  TeamMember: {
    id: (member) => member._id,
    agencyId: (member) => member._parent,
    version: (member) => member.__v,
  },
};

class Teams extends RESTDataSource {
  baseURL = upstream;

  async list({ email, type }) {
    const params = { email, type };
    const headers = { authorization: "Bearer bench", authtype: "Key" };
    const answer = await this.get("custom-user", { params, headers, cacheOptions: { ttl: 3600 } });
    return answer.data;
  }
}

const server = new ApolloServer({ typeDefs, resolvers });
const { url } = await startStandaloneServer(server, {
  listen: { port: 0, host: "127.0.0.1" },
  context: async () => ({ teams: new Teams({ cache: server.cache }) }),
});
console.log(url);
