// `make sockets`: thousands of idle and dripping sockets beside a legitimate caller, and stops under load. Prints its figures
// and exits non-zero where one falls short.

import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const SOCKETS = 5000;
const ADDRESSES = 100;
const REQUESTS = 3000;
const STOPS = Number(process.env.SOCKETS_STOPS ?? 50);
const MEMORY_LIMIT = 256 * 1024 * 1024;

const binary = process.env.SOCKETS_BINARY ?? fileURLToPath(new URL("../../target/release/flowmatix-graphql", import.meta.url));
const body = JSON.stringify({ query: "{ teamMembers { totalCount nodes { id name role { id } } } }" });
const wrong = [];

function report(name, figure, well) {
  console.log(`${well ? "ok  " : "FAIL"} ${name}: ${figure}`);
  if (!well) wrong.push(name);
}

async function start(settings = []) {
  const all = ["log.format=json", "log.level=warn,flowmatix_graphql::cli=info", "demo.listen=127.0.0.1:0", "http.rate_limit=0", ...settings];
  const args = ["demo", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", ...all.flatMap((setting) => ["--set", setting])];
  const child = spawn(binary, args, { stdio: ["ignore", "ignore", "pipe"] });
  const lines = createInterface({ input: child.stderr });
  const said = JSON.parse(await new Promise((resolve) => lines.once("line", resolve)));
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
  return { child, ended, url: new URL(said.graphql), admin: said.admin };
}

/** One request; resolves with its status, rejects when there is no whole answer. */
function ask(service, agent) {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const { hostname, port, pathname } = service.url;
    const request = http.request({ hostname, port, path: pathname, method: "POST", agent, headers }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => (response.complete ? resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() }) : reject(new Error("cut short"))));
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** The 99th percentile of a legitimate caller's waits, in milliseconds. */
async function p99(service) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const waits = [];
  for (let n = 0; n < REQUESTS + 300; n++) {
    const started = process.hrtime.bigint();
    const { status, text } = await ask(service, agent);
    if (status !== 200 || !text.includes('"totalCount":12')) throw new Error(`${status} ${text}`);
    if (n >= 300) waits.push(Number(process.hrtime.bigint() - started) / 1e6);
  }
  agent.destroy();
  return waits.sort((a, b) => a - b)[Math.floor(REQUESTS * 0.99)];
}

const memory = (service) => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${service.child.pid}/status`, "utf8"))[1]) * 1024;

/** The crowd, in a process of its own: half of it says nothing, the others send a header, a byte at a time. */
async function beTheCrowd(host, port) {
  const sockets = await Promise.all(
    Array.from({ length: SOCKETS }, (_, n) => new Promise((resolve, reject) => {
      const socket = net.connect({ host, port, localAddress: `127.0.1.${1 + (n % ADDRESSES)}` }, () => resolve(socket));
      socket.once("error", reject);
      socket.on("error", () => {});
    })),
  );
  const drip = "POST /graphql HTTP/1.1\r\nhost: localhost\r\nx-slow: ".padEnd(4000, "y");
  let turn = 0;
  setInterval(() => {
    // A twentieth of them at a time, so that each drips once a second.
    for (let n = 2 * (turn % 20); n < SOCKETS; n += 40) if (!sockets[n].destroyed) sockets[n].write(drip[Math.floor(turn / 20)]);
    turn++;
  }, 50);
  process.on("message", () => process.send(sockets.filter((socket) => !socket.destroyed).length));
  process.send("here");
}

async function crowd() {
  const service = await start(["http.first_request_timeout=120s"]);
  // The first round warms both sides up.
  await p99(service);
  const alone = Math.min(await p99(service), await p99(service));
  const others = fork(fileURLToPath(import.meta.url), [service.url.hostname, service.url.port]);
  await once(others, "message");
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const crowded = Math.min(await p99(service), await p99(service));
  const bytes = memory(service);
  others.send("how many?");
  const [open] = await once(others, "message");
  others.kill();
  service.child.kill();
  report("sockets held open", `${open} of ${SOCKETS}, from ${ADDRESSES} addresses`, open === SOCKETS);
  report("a legitimate caller's p99", `${alone.toFixed(2)} ms alone, ${crowded.toFixed(2)} ms in the crowd (×${(crowded / alone).toFixed(2)}, at most ×2)`, crowded <= 2 * alone);
  report("memory", `${(bytes / 1048576).toFixed(0)} MiB (under ${MEMORY_LIMIT / 1048576})`, bytes < MEMORY_LIMIT);
}

/**
 * SIGTERM while eight callers ask as fast as they can, and one now and then on a connection that rests in between. Every request
 * whose connection was accepted must be answered, and the exit code be 0.
 *
 * Balanced: as a load balancer would, a poller asks every 20 ms whether the service is ready, and sends nobody there any more
 * once it is not. At the defaults: nobody knows, and the callers go on until they cannot connect.
 */
async function stops(name, settings, balanced) {
  let [answered, lost] = [0, 0];
  for (let n = 0; n < STOPS; n++) {
    const service = await start(settings);
    let routed = true;
    const poller = setInterval(async () => {
      const ready = await fetch(`${service.admin}/health/ready`).catch(() => ({ ok: false }));
      if (balanced && !ready.ok) routed = false;
    }, 20);
    const caller = async (pause) => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      while (routed) {
        await ask(service, agent).then(
          ({ status }) => (status === 200 ? answered++ : lost++),
          (error) => {
            // Not accepted is not lost.
            if (error.syscall === "connect") routed = false;
            else lost++;
          },
        );
        if (pause) await new Promise((resolve) => setTimeout(resolve, pause));
      }
      agent.destroy();
    };
    const callers = Array.from({ length: 9 }, (_, n) => caller(n === 8 ? 70 : 0));
    await new Promise((resolve) => setTimeout(resolve, 150));
    service.child.kill("SIGTERM");
    await Promise.all(callers);
    clearInterval(poller);
    const { code } = await service.ended;
    if (code !== 0) lost++;
  }
  report(`SIGTERM under load ×${STOPS}, ${name}`, `${answered} answered, ${lost} lost (0)`, lost === 0);
}

if (process.send) {
  await beTheCrowd(...process.argv.slice(2));
} else {
  if (process.argv[2] !== "stops") await crowd();
  await stops("behind a load balancer", ["http.drain_delay=300ms"], true);
  await stops("at the defaults", [], false);
  process.exit(wrong.length ? 1 : 0);
}
