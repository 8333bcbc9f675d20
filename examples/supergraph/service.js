// The team's subgraph: the service, either one that runs already (SERVICE_URL), or a demo of this checkout's binary.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const BINARY = fileURLToPath(new URL("../../target/debug/flowmatix-graphql", import.meta.url));

/** The service's address, and how it is stopped. */
export async function startService() {
  if (process.env.SERVICE_URL) return { url: new URL("/graphql", process.env.SERVICE_URL).href, stop() {} };
  if (!existsSync(BINARY)) throw new Error("build the service first: cargo build (make supergraph does it)");
  const free = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--set", "demo.listen=127.0.0.1:0"];
  const child = spawn(BINARY, ["demo", ...free, "--set", "log.format=json"], { stdio: ["ignore", "ignore", "pipe"] });
  const url = await new Promise((resolve, reject) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      const said = line.startsWith("{") ? JSON.parse(line) : {};
      if (said.graphql) resolve(said.graphql);
    });
    child.once("exit", (code) => reject(new Error(`the service ended with ${code}`)));
  });
  return { url, stop: () => child.kill() };
}

/** Asks the service itself. */
export async function ask(url, query, headers = {}) {
  const all = { "content-type": "application/json", ...headers };
  const response = await fetch(url, { method: "POST", headers: all, body: JSON.stringify({ query }) });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors[0].message);
  return data;
}
