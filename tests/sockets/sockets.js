// `make sockets`: thousands of idle and dripping sockets beside a legitimate caller, and stops under load. Prints its figures
// and exits non-zero where one falls short.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const SOCKETS = 5000;
const ADDRESSES = 100;
const REQUESTS = 3000;
const STOPS = 50;
const MEMORY_LIMIT = 256 * 1024 * 1024;

const binary = fileURLToPath(new URL("../../target/release/flowmatix-graphql", import.meta.url));
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
  return { child, ended, url: new URL(said.graphql) };
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
    request.on("error", (error) => reject(Object.assign(error, { reused: request.reusedSocket })));
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

async function crowd() {
  const service = await start(["http.first_request_timeout=120s"]);
  // The first round warms both sides up.
  await p99(service);
  const alone = Math.min(await p99(service), await p99(service));
  const sockets = await Promise.all(
    Array.from({ length: SOCKETS }, (_, n) => new Promise((resolve, reject) => {
      const localAddress = `127.0.1.${1 + (n % ADDRESSES)}`;
      const socket = net.connect({ host: service.url.hostname, port: service.url.port, localAddress }, () => resolve(socket));
      socket.once("error", reject);
      socket.on("error", () => {});
    })),
  );
  // Half of them say nothing; the others send a header, a byte at a time.
  const drip = "POST /graphql HTTP/1.1\r\nhost: localhost\r\nx-slow: ".padEnd(400, "y");
  let dripped = 0;
  const dripping = setInterval(() => {
    for (let n = 0; n < SOCKETS; n += 2) if (!sockets[n].destroyed) sockets[n].write(drip[dripped % drip.length]);
    dripped++;
  }, 1000);
  await new Promise((resolve) => setTimeout(resolve, 2500));
  const crowded = Math.min(await p99(service), await p99(service));
  const bytes = memory(service);
  const open = sockets.filter((socket) => !socket.destroyed).length;
  clearInterval(dripping);
  sockets.forEach((socket) => socket.destroy());
  service.child.kill();
  report("sockets held open", `${open} of ${SOCKETS}, from ${ADDRESSES} addresses`, open === SOCKETS);
  report("a legitimate caller's p99", `${alone.toFixed(2)} ms alone, ${crowded.toFixed(2)} ms in the crowd (×${(crowded / alone).toFixed(2)}, at most ×2)`, crowded <= 2 * alone);
  report("memory", `${(bytes / 1048576).toFixed(0)} MiB (under ${MEMORY_LIMIT / 1048576})`, bytes < MEMORY_LIMIT);
}

/** SIGTERM while eight callers ask as fast as they can. What was sent before the connection was closed must be answered. */
async function stops() {
  let [answered, lost, closed] = [0, 0, 0];
  for (let n = 0; n < STOPS; n++) {
    const service = await start(["http.drain_delay=100ms"]);
    let stopping = false;
    const caller = async () => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      for (;;) {
        try {
          const { status } = await ask(service, agent);
          status === 200 ? answered++ : lost++;
        } catch (error) {
          // A refused connection, or one that an idle keep-alive lost to the close, was never taken; a client asks elsewhere.
          const untaken = error.code === "ECONNREFUSED" || (error.reused && error.code === "ECONNRESET");
          if (!stopping || !untaken) lost++;
          else if (error.reused) closed++;
          break;
        }
      }
      agent.destroy();
    };
    const callers = Array.from({ length: 8 }, caller);
    await new Promise((resolve) => setTimeout(resolve, 150));
    stopping = true;
    service.child.kill("SIGTERM");
    await Promise.all(callers);
    const { code } = await service.ended;
    if (code !== 0) lost++;
  }
  report(`SIGTERM under load ×${STOPS}`, `${answered} answered, ${lost} lost (0); ${closed} idle connections were closed under a request, which clients send again`, lost === 0);
}

await crowd();
await stops();
process.exit(wrong.length ? 1 : 0);
