// The real binary and its sample Flowmatix, on free ports, for every suite in JavaScript and TypeScript.

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The binary of this checkout, found from wherever this file was compiled to. */
const binary = (() => {
  let folder = new URL(".", import.meta.url);
  while (!existsSync(new URL("Cargo.toml", folder))) folder = new URL("..", folder);
  return fileURLToPath(new URL("target/debug/flowmatix-graphql", folder));
})();

/** The sample's accounts, and the token that opens each. */
export const LANTERN = { email: "maya@lantern-books.example", type: /** @type {const} */ ("CUSTOMER") };
export const PINES = { email: "ops@tall-pines.example", type: /** @type {const} */ ("CUSTOM_USER") };
export const LANTERN_TOKEN = "demo-lantern-token";
export const AGENCY_TOKEN = "demo-agency-token";
export const PINES_TOKEN = "demo-pines-token";

/**
 * What a command of the binary prints.
 * @param {string[]} args
 */
export function print(...args) {
  return execFileSync(binary, args, { encoding: "utf8" });
}

/**
 * Starts a command of the binary, `demo` or `serve`; resolves once it listens.
 * @param {"demo" | "serve"} command
 * @param {Record<string, string | number | boolean>} settings
 * @param {Record<string, string>} variables of its environment, besides ours
 * @returns {Promise<Service>}
 */
export async function start(command, settings = {}, variables = {}) {
  const all = { "log.format": "json", "demo.listen": "127.0.0.1:0", "demo.activity": "0s", ...settings };
  const set = Object.entries(all).flatMap(([setting, value]) => ["--set", `${setting}=${value}`]);
  const listen = String(settings["http.listen"] ?? "127.0.0.1:0");
  const child = spawn(binary, [command, "--listen", listen, "--admin-listen", "127.0.0.1:0", ...set], {
    env: { ...process.env, ...variables },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const line = await firstLine(child, child.stderr);
  if (!line.startsWith("{")) throw new Error(line);
  const said = JSON.parse(line);
  return new Service(child, said.graphql, said.admin, said.upstream);
}

/**
 * The production profile in front of a sample of its own.
 * @param {Record<string, string | number | boolean>} settings
 * @param {Record<string, string>} variables
 * @returns {Promise<Service>}
 */
async function serve(settings, variables = {}) {
  const sample = spawn(binary, ["demo-upstream", "--set", "demo.listen=127.0.0.1:0", "--set", "demo.activity=0s"], { stdio: ["ignore", "pipe", "ignore"] });
  const upstream = (await firstLine(sample, sample.stdout)).match(/http:\S+/)?.[0] ?? "";
  const account = { "account.email": LANTERN.email, "account.type": LANTERN.type };
  const all = { "upstream.url": upstream, "upstream.allow_http": true, ...account, ...settings };
  try {
    const service = await start("serve", all, variables);
    service.others.push(sample);
    return service;
  } catch (error) {
    sample.kill();
    throw error;
  }
}

/**
 * Callers send their Flowmatix token.
 * @param {Record<string, string | number | boolean>} settings
 */
export const startPassthrough = (settings = {}) => serve({ "auth.mode": "passthrough", ...settings });

/**
 * Callers send an API key, made by the binary; the service holds the token.
 * @param {string[]} rights such as `--contact`, besides reading the default account
 */
export async function startWithKey(rights = []) {
  const { stdout: entry, stderr: words } = spawnSync(binary, ["keys", "new", "dashboard", ...rights], { encoding: "utf8" });
  const folder = mkdtempSync(join(tmpdir(), "flowmatix-keys-"));
  const file = join(folder, "keys.toml");
  writeFileSync(file, entry, { mode: 0o600 });
  const settings = { "auth.mode": "api-keys", "auth.keys_file": file, "auth.credential_env": "SAMPLE_TOKEN" };
  const service = await serve(settings, { SAMPLE_TOKEN: AGENCY_TOKEN }).finally(() => rmSync(folder, { recursive: true }));
  return { service, key: words.match(/fmk_\S+/)?.[0] ?? "" };
}

export class Service {
  /** @type {import("node:child_process").ChildProcess[]} */
  others = [];

  /**
   * @param {import("node:child_process").ChildProcess} child
   * @param {string} url
   * @param {string} admin
   * @param {string} sample
   */
  constructor(child, url, admin, sample) {
    this.child = child;
    this.url = url;
    this.admin = admin;
    this.sample = sample;
  }

  get origin() {
    return new URL(this.url).origin;
  }

  /**
   * How many calls came to the sample.
   * @returns {Promise<number>}
   */
  async calls() {
    return (await (await fetch(new URL("/_demo/calls", this.sample))).json()).calls;
  }

  /**
   * Makes the sample misbehave; `{}` ends it.
   * @param {Record<string, unknown>} switches
   */
  async misbehave(switches) {
    const headers = { "content-type": "application/json" };
    const response = await fetch(new URL("/_demo/switches", this.sample), { method: "PUT", headers, body: JSON.stringify(switches) });
    if (!response.ok) throw new Error(await response.text());
  }

  /**
   * Changes fields of one of the sample's members.
   * @param {string} id
   * @param {Record<string, unknown>} fields in the upstream's form
   */
  async change(id, fields) {
    const url = new URL(`/_demo/members/${id}`, this.sample);
    const headers = { "content-type": "application/json" };
    const response = await fetch(url, { method: "PATCH", headers, body: JSON.stringify(fields) });
    if (!response.ok) throw new Error(`${response.status}`);
  }

  /** How many GraphQL requests it answered. */
  async requests() {
    const metrics = await (await fetch(new URL("/metrics", this.admin))).text();
    const counts = metrics.matchAll(/^flowmatix_requests_total\{.*\} (\d+)$/gm);
    return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
  }

  /**
   * Asks it, in plain HTTP.
   * @param {string} query
   * @param {Record<string, string>} headers
   */
  async query(query, headers = {}) {
    const all = { "content-type": "application/json", ...headers };
    const response = await fetch(this.url, { method: "POST", headers: all, body: JSON.stringify({ query }) });
    return response.json();
  }

  /** Resolves once the processes have ended: before that, their addresses are not free. */
  async stop() {
    const ended = [this.child, ...this.others].map((child) => {
      const exit = new Promise((resolve) => child.once("exit", resolve));
      child.kill();
      return child.exitCode === null && child.signalCode === null ? exit : undefined;
    });
    await Promise.all(ended);
  }
}

/**
 * @param {import("node:child_process").ChildProcess} child
 * @param {import("node:stream").Readable} stream
 * @returns {Promise<string>}
 */
function firstLine(child, stream) {
  return new Promise((resolve, reject) => {
    createInterface({ input: stream }).once("line", resolve);
    child.once("exit", (code) => reject(new Error(`${child.spawnargs[1]} ended with ${code}`)));
  });
}
