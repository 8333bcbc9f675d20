// The real binary on free ports.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const binary = fileURLToPath(new URL("../../target/debug/flowmatix-graphql", import.meta.url));

export async function start(command, settings) {
  const all = ["log.format=json", "demo.listen=127.0.0.1:0", ...settings];
  const args = [command, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", ...all.flatMap((setting) => ["--set", setting])];
  const child = spawn(binary, args, { stdio: ["ignore", "ignore", "pipe"] });
  const lines = createInterface({ input: child.stderr });
  const said = JSON.parse(await new Promise((resolve) => lines.once("line", resolve)));
  return { url: new URL(said.graphql), stop: () => child.kill() };
}
