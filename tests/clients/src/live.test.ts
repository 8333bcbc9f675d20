// Subscriptions with the clients that people use: the reference clients of both protocols, Apollo Client over WebSocket and over
// its multipart HttpLink, and urql.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { HttpLink } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { Client as UrqlClient, fetchExchange, subscriptionExchange } from "@urql/core";
import { print } from "graphql";
import { createClient as createSseClient } from "graphql-sse";
import { type Client as WsClient, createClient as createWsClient } from "graphql-ws";
import WebSocket from "ws";

import { start } from "../../service.js";
import { bare, createCache } from "./client.ts";
import { LiveChanges, LiveTeam, Team } from "./operations.ts";

/** How often the team is read. */
const INTERVAL = 500;
const settings = {
  "live.interval": `${INTERVAL}ms`,
  "live.interval_floor": "100ms",
  "budget.calls_per_hour": 1_000_000,
};

let service: Awaited<ReturnType<typeof start>>;
let first: string;
const sockets: WsClient[] = [];

before(async () => {
  service = await start("demo", settings);
  const { data } = await service.query("{ teamMembers(first: 1) { nodes { id } } }");
  first = data.teamMembers.nodes[0].id;
});

beforeEach(() => flip("OFFLINE"));

after(async () => {
  await Promise.all(sockets.map((socket) => socket.dispose()));
  service?.stop();
});

const flip = (availability: string) => service.change(first, { liveAvailability: availability });

function socket(options: Partial<Parameters<typeof createWsClient>[0]> = {}) {
  const client = createWsClient({ url: service.url.replace("http", "ws"), webSocketImpl: WebSocket, ...options });
  sockets.push(client);
  return client;
}

interface Payload {
  data?: any;
  errors?: readonly any[] | undefined;
}

/** What comes of a subscription, one after the other. */
class Inbox {
  private payloads: Payload[] = [];
  private wake = () => {};

  push = (payload: Payload) => {
    this.payloads.push(payload);
    this.wake();
  };

  async next(): Promise<Payload> {
    while (this.payloads.length === 0) await new Promise<void>((resolve) => (this.wake = resolve));
    return this.payloads.shift() as Payload;
  }
}

const availability = (payload: Payload) => payload.data.team.members.nodes[0].liveAvailability;

/**
 * Flips a member to and fro: each change is one event, which comes before the upstream is asked for the state after it. (An
 * event that came one late would come with the call after.)
 */
async function follows(inbox: Inbox) {
  // The team may have been read before the member was flipped.
  while (availability(await inbox.next()) !== "OFFLINE");
  for (const state of ["ONLINE", "OFFLINE", "ONLINE"]) {
    const calls = await service.calls();
    await flip(state);
    assert.equal(availability(await inbox.next()), state);
    const asked = (await service.calls()) - calls;
    assert.ok(asked <= 2, `${asked} calls until the event came`);
  }
}

test("graphql-ws: events, several operations on one socket, queries, and mistakes", async () => {
  const client = socket({ lazy: false });
  const inbox = new Inbox();
  const query = print(LiveTeam);
  const leave = client.subscribe({ query }, { next: inbox.push as never, error: assert.fail, complete: () => {} });
  await follows(inbox);
  const answers: unknown[] = [];
  for await (const answer of client.iterate({ query: "{ teamMembers { totalCount } }" })) answers.push(answer.data);
  assert.deepEqual(answers, [{ teamMembers: { totalCount: 12 } }]);
  const refused = client.iterate({ query: "{ nothing }" }).next();
  await assert.rejects(refused, (errors: any) => errors[0].extensions.code === "GRAPHQL_VALIDATION_FAILED");
  leave();
  const changes = client.iterate<any>({ query: print(LiveChanges) });
  assert.equal((await changes.next()).value.data.teamChanges.reset, true);
  await flip("OFFLINE");
  const { upserted, reset } = (await changes.next()).value.data.teamChanges;
  assert.deepEqual([reset, upserted.length], [false, 1]);
  assert.deepEqual([upserted[0].id, upserted[0].liveAvailability], [first, "OFFLINE"]);
  await changes.return?.();
});

test("graphql-ws: a stop of the service is retried, and the first event after it is the whole state", async () => {
  const other = await start("demo", settings);
  const address = new URL(other.url);
  const closes: number[] = [];
  const client = createWsClient({
    url: other.url.replace("http", "ws"),
    webSocketImpl: WebSocket,
    retryAttempts: 50,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 100)),
    shouldRetry: () => true,
    on: { closed: (event) => closes.push((event as { code: number }).code) },
  });
  const inbox = new Inbox();
  client.subscribe({ query: print(LiveTeam) }, { next: inbox.push as never, error: () => {}, complete: () => {} });
  assert.equal((await inbox.next()).data.team.members.nodes.length, 3);
  const stopped = other.stop();
  while (closes.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(closes[0], 1001);
  await stopped;
  const again = await start("demo", { ...settings, "http.listen": address.host });
  assert.equal((await inbox.next()).data.team.members.nodes.length, 3);
  await client.dispose();
  again.stop();
});

test("graphql-sse, with a connection for each operation", async () => {
  const client = createSseClient({ url: service.url });
  const inbox = new Inbox();
  const leave = client.subscribe({ query: print(LiveTeam) }, { next: inbox.push as never, error: assert.fail, complete: () => {} });
  await follows(inbox);
  leave();
  const answers: unknown[] = [];
  for await (const answer of client.iterate({ query: "{ teamMembers { totalCount } }" })) answers.push(answer.data);
  assert.deepEqual(answers, [{ teamMembers: { totalCount: 12 } }]);
  const refused = (await client.iterate({ query: "{ nothing }" }).next()).value as Payload;
  assert.equal(refused.errors?.[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
  client.dispose();
});

test("Apollo Client over a WebSocket", async () => {
  const client = bare(new GraphQLWsLink(socket()));
  const inbox = new Inbox();
  const subscription = client.subscribe({ query: LiveTeam }).subscribe(inbox.push);
  await follows(inbox);
  subscription.unsubscribe();
});

test("Apollo Client over its multipart HttpLink gets no event late", async () => {
  const client = bare(new HttpLink({ uri: service.url }));
  const inbox = new Inbox();
  const subscription = client.subscribe({ query: LiveTeam }).subscribe(inbox.push);
  await follows(inbox);
  subscription.unsubscribe();
  client.stop();
});

test("subscribeToMore keeps a list that is shown up to date, through the normalised cache", async () => {
  const client = bare(new HttpLink({ uri: service.url }), createCache());
  const list = client.watchQuery({ query: Team, variables: { first: 3 } });
  const shown: (string | null | undefined)[] = [];
  list.subscribe(({ data, dataState }) => {
    if (dataState === "complete") shown.push(data.teamMembers?.edges[0]?.node.liveAvailability);
  });
  const leave = list.subscribeToMore({ document: LiveChanges });
  const reached = async (state: string) => {
    for (let n = 0; shown.at(-1) !== state; n++) {
      assert.ok(n < 500, `${shown}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await reached("OFFLINE");
  await flip("ONLINE");
  await reached("ONLINE");
  await flip("OFFLINE");
  await reached("OFFLINE");
  leave();
  client.stop();
});

test("urql over server-sent events, and over graphql-ws", async () => {
  const ws = socket();
  const exchanges = {
    sse: [fetchExchange],
    websocket: [
      subscriptionExchange({
        forwardSubscription: (request) => ({
          subscribe: (sink) => ({ unsubscribe: ws.subscribe({ ...request, query: request.query ?? "" }, sink as never) }),
        }),
      }),
    ],
  };
  for (const list of Object.values(exchanges)) {
    await flip("OFFLINE");
    const client = new UrqlClient({ url: service.url, exchanges: list, fetchSubscriptions: list === exchanges.sse, preferGetMethod: false });
    const inbox = new Inbox();
    const { unsubscribe } = client.subscription(print(LiveTeam), {}).subscribe((result) => inbox.push({ data: result.data }));
    await follows(inbox);
    unsubscribe();
  }
});
