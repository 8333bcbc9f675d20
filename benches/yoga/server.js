// Live teams by GraphQL Yoga and graphql-ws, as their documentation has it: a poller for each account that somebody listens to,
// Yoga's own publish-subscribe, and graphql-ws on a WebSocket server. Prints its address.

import { setMaxListeners } from "node:events";
import { createServer } from "node:http";
import { useServer } from "graphql-ws/use/ws";
import { createPubSub, createSchema, createYoga, map, pipe } from "graphql-yoga";
import { WebSocketServer } from "ws";

const upstream = process.argv[2];
const interval = Number(process.argv[3]);

const typeDefs = /* GraphQL */ `
  type Query { ok: Boolean }
  type Subscription { team: Team }
  type Team { members: TeamMemberConnection! }
  type TeamMemberConnection { nodes: [TeamMember!]! }
  type TeamMember { id: ID! name: String liveAvailability: LiveAvailability unreadMessages: Int }
  enum LiveAvailability { ONLINE OFFLINE }
`;

// Thousands listen; that is no leak.
const eventTarget = new EventTarget();
setMaxListeners(0, eventTarget);
const pubSub = createPubSub({ eventTarget });

const read = async (account) => (await fetch(`${upstream}custom-user?email=${account}&type=CUSTOMER`)).text();

/** One poller for each account, as long as somebody listens. */
const pollers = new Map();

function join(account) {
  let poller = pollers.get(account);
  if (!poller) {
    poller = { listeners: 0, text: "", team: null, polling: false };
    pollers.set(account, poller);
    const poll = async () => {
      // Two at once could be answered in the wrong order.
      if (poller.polling) return;
      poller.polling = true;
      const text = await read(account).finally(() => (poller.polling = false));
      // An answer that says the same is no event.
      if (text === poller.text) return;
      poller.text = text;
      poller.team = { members: { nodes: JSON.parse(text).data } };
      pubSub.publish("team", account, poller.team);
    };
    poller.first = poll();
    poller.timer = setInterval(() => poll().catch(() => {}), interval);
  }
  poller.listeners++;
  return poller;
}

function leave(account) {
  const poller = pollers.get(account);
  if (--poller.listeners === 0) {
    clearInterval(poller.timer);
    pollers.delete(account);
  }
}

async function* team(account) {
  const poller = join(account);
  try {
    const events = pubSub.subscribe("team", account);
    await poller.first;
    yield poller.team;
    yield* events;
  } finally {
    leave(account);
  }
}

const resolvers = {
  Query: { ok: () => true },
  Subscription: {
    team: {
      subscribe: (_, __, { connectionParams }) => pipe(team(connectionParams["x-flowmatix-email"]), map((team) => ({ team }))),
    },
  },
  TeamMember: { id: (member) => member._id },
};

const yoga = createYoga({ schema: createSchema({ typeDefs, resolvers }), logging: false });
const server = createServer(yoga);
const sockets = new WebSocketServer({ server, path: yoga.graphqlEndpoint });

useServer(
  {
    execute: (args) => args.rootValue.execute(args),
    subscribe: (args) => args.rootValue.subscribe(args),
    onSubscribe: async (context, _id, params) => {
      const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
        ...context,
        req: context.extra.request,
        socket: context.extra.socket,
        params,
      });
      const document = parse(params.query);
      const errors = validate(schema, document);
      if (errors.length) return errors;
      return {
        schema,
        document,
        operationName: params.operationName,
        variableValues: params.variables,
        contextValue: await contextFactory(),
        rootValue: { execute, subscribe },
      };
    },
  },
  sockets,
);

server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));
