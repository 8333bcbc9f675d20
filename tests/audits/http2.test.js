// HTTP/2: the same answers, over streams and windows that are bounded.

import assert from "node:assert/strict";
import http2 from "node:http2";
import { once } from "node:events";
import { after, before, test } from "node:test";

import { start } from "../service.js";

let service, session, settings;

before(async () => {
  service = await start("demo", {
    "http.timeout": "1s",
    "http.send_timeout": "1s",
    "upstream.timeout": "900ms",
    "upstream.attempt_timeout": "800ms",
    "upstream.connect_timeout": "700ms",
  });
  session = http2.connect(service.origin);
  [settings] = await once(session, "remoteSettings");
});

after(() => {
  session?.close();
  service?.stop();
});

function ask(query) {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":method": "POST", ":path": "/graphql", "content-type": "application/json" });
    let [status, text] = [0, ""];
    stream.on("response", (headers) => (status = headers[":status"]));
    stream.on("data", (chunk) => (text += chunk));
    stream.on("error", reject);
    stream.on("end", () => resolve({ status, answer: JSON.parse(text) }));
    stream.end(JSON.stringify({ query }));
  });
}

test("streams, windows and headers are bounded", () => {
  assert.equal(settings.maxConcurrentStreams, 100);
  assert.equal(settings.initialWindowSize, 65536);
  assert.equal(settings.maxHeaderListSize, 16384);
});

test("many requests share a connection", async () => {
  const answers = await Promise.all(Array.from({ length: 300 }, () => ask("{ teamMembers { totalCount } }")));
  for (const { status, answer } of answers) {
    assert.equal(status, 200);
    assert.equal(answer.data.teamMembers.totalCount, 12);
  }
});

/**
 * The headers, the content and the RST_STREAM code of an answer.
 * @param {Record<string, string>} headers
 * @param {string} [body]
 */
function raw(headers, body) {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":path": "/graphql", "content-type": "application/json", ...headers });
    let [head, text] = [{}, ""];
    stream.on("response", (received) => (head = received));
    stream.on("data", (chunk) => (text += chunk));
    stream.on("error", reject);
    stream.on("close", () => resolve({ head, text, reset: stream.rstCode }));
    stream.end(body);
  });
}

test("HEAD has the headers of GET and no content", async () => {
  const path = "/graphql?query=%7B__typename%7D";
  const get = await raw({ ":method": "GET", ":path": path });
  const head = await raw({ ":method": "HEAD", ":path": path });
  assert.equal(head.reset, 0);
  assert.equal(head.text, "");
  assert.equal(head.head[":status"], 200);
  assert.equal(head.head["content-length"], String(get.text.length));
});

test("QUERY asks as POST does", async () => {
  const { head, text } = await raw({ ":method": "QUERY" }, JSON.stringify({ query: "{ __typename }" }));
  assert.equal(head[":status"], 200);
  assert.equal(head["accept-query"], "application/json");
  assert.deepEqual(JSON.parse(text), { data: { __typename: "Query" } });
});

test("a body that is not read costs its own stream and no other", async () => {
  for (const type of ["text/plain", "application/json"]) {
    const { head, text } = await raw({ ":method": "POST", "content-type": type }, "x".repeat(3 << 20));
    assert.equal(head[":status"], type === "text/plain" ? 415 : 413);
    assert.ok(JSON.parse(text).errors);
    assert.equal((await ask("{ __typename }")).status, 200);
  }
});

test("headers are counted", async () => {
  const more = Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`x-${n}`, "y"]));
  const stream = session.request({ ":method": "POST", ":path": "/graphql", "content-type": "application/json", ...more });
  const [headers] = await once(stream, "response");
  assert.equal(headers[":status"], 431);
  stream.close();
});

/** Resolves when the service ends this connection. */
async function ended(client) {
  client.on("error", () => {});
  const started = Date.now();
  await once(client, "close");
  return Date.now() - started;
}

test("a client that keeps its windows shut is left", { timeout: 20_000 }, async () => {
  const deaf = http2.connect(service.origin, { settings: { initialWindowSize: 0 } });
  const stream = deaf.request({ ":method": "POST", ":path": "/graphql", "content-type": "application/json" });
  stream.on("error", () => {});
  stream.end(JSON.stringify({ query: "{ teamMembers { totalCount } }" }));
  assert.equal((await once(stream, "response"))[0][":status"], 200);
  const after = await ended(deaf);
  assert.ok(after > 500 && after < 10_000, `after ${after} ms`);
});

test("a connection without requests is left, whether or not it answers pings", { timeout: 20_000 }, async () => {
  const short = await start("demo", { "http.idle_timeout": "500ms" });
  try {
    const idle = http2.connect(short.origin);
    const pings = setInterval(() => idle.destroyed || idle.ping(() => {}), 50);
    const stream = idle.request({ ":method": "POST", ":path": "/graphql", "content-type": "application/json" });
    stream.resume().end(JSON.stringify({ query: "{ __typename }" }));
    await once(stream, "end");
    await ended(idle);
    clearInterval(pings);
  } finally {
    short.stop();
  }
});

test("a client that resets its streams as fast as it can is thrown out, and others are answered", { timeout: 20_000 }, async () => {
  const flood = http2.connect(service.origin);
  let reason;
  flood.on("error", (error) => (reason = error));
  const gone = new Promise((resolve) => flood.once("close", resolve));
  const sending = setInterval(() => {
    for (let n = 0; n < 1000 && !flood.destroyed && !flood.closed; n++) {
      const stream = flood.request({ ":method": "POST", ":path": "/graphql", "content-type": "application/json" });
      stream.on("error", () => {});
      stream.close(http2.constants.NGHTTP2_CANCEL);
    }
  }, 1);
  try {
    assert.equal((await ask("{ __typename }")).status, 200);
    await gone;
  } finally {
    clearInterval(sending);
    flood.destroy();
  }
  // 11 is ENHANCE_YOUR_CALM.
  assert.match(reason.message, /error code 11/);
  assert.equal((await ask("{ __typename }")).status, 200);
});
