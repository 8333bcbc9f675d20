// The real binary, on free ports, and what it and its sample Flowmatix counted.

import { execFileSync, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const binary = fileURLToPath(new URL("../../target/debug/flowmatix-graphql", import.meta.url));

/** What a command of the binary prints. */
export function print(...args) {
  return execFileSync(binary, args, { encoding: "utf8" });
}

/** Starts `demo` with these settings and variables; resolves once it listens. */
export async function start(settings = {}, variables = {}) {
  const args = ["demo", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
  const all = { "log.format": "json", "demo.listen": "127.0.0.1:0", ...settings };
  for (const [setting, value] of Object.entries(all)) args.push("--set", `${setting}=${value}`);
  const env = { ...process.env, ...variables };
  const child = spawn(binary, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  const lines = createInterface({ input: child.stderr });
  const first = await new Promise((resolve, reject) => {
    lines.once("line", resolve);
    child.once("exit", (code) => reject(new Error(`the service ended with ${code}`)));
  });
  const said = JSON.parse(first);
  return new Service(child, said.graphql, said.admin, said.upstream);
}

class Service {
  constructor(child, url, admin, sample) {
    Object.assign(this, { child, url, admin, sample });
  }

  /** How many calls came to the sample. */
  async calls() {
    return (await (await fetch(`${this.sample}/_demo/calls`)).json()).calls;
  }

  /** Makes the sample misbehave; `{}` ends it. */
  async misbehave(switches) {
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${this.sample}/_demo/switches`, { method: "PUT", headers, body: JSON.stringify(switches) });
    if (!response.ok) throw new Error(await response.text());
  }

  /** How many GraphQL requests it answered. */
  async requests() {
    const metrics = await (await fetch(`${this.admin}/metrics`)).text();
    const counts = metrics.matchAll(/^flowmatix_requests_total\{.*\} (\d+)$/gm);
    return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
  }

  async query(query, headers = {}) {
    const body = JSON.stringify({ query });
    const response = await fetch(this.url, { method: "POST", headers: { "content-type": "application/json", ...headers }, body });
    return response.json();
  }

  stop() {
    this.child.kill();
  }
}
