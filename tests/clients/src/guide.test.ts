// docs/clients.md says what is run here: the code, the versions, and every error code.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";

const read = (path: string) => readFileSync(resolve("../..", path), "utf8");
const guide = read("docs/clients.md");

test("its code is the code of the files it names", () => {
  const quoted = [...guide.matchAll(/<!-- (\S+) -->\n```(?:ts|python|rust)\n([^]*?)```/g)];
  assert.ok(quoted.length >= 14);
  for (const [, path = "", code = ""] of quoted) assert.ok(read(path).includes(code), `${path} has not:\n${code}`);
});

test("its versions are those of the lock files", () => {
  const locks = ["tests/clients", "examples/team-dashboard"].map((folder) => JSON.parse(read(`${folder}/package-lock.json`)).packages);
  const named = [...guide.matchAll(/^\| `(\S+)` \| (\d\S+) \|$/gm)];
  assert.ok(named.length >= 8);
  for (const [, name, version] of named) {
    const locked = locks.map((packages) => packages[`node_modules/${name}`]?.version).filter(Boolean);
    assert.ok(locked.length > 0, `${name} is in no lock file`);
    for (const other of locked) assert.equal(other, version, name);
  }
  const python = guide.match(/^\| gql, for Python \| (\S+) \|$/m)?.[1];
  assert.match(read("tests/clients/python/requirements.txt"), new RegExp(`^gql==${python}$`, "m"));
  const rust = guide.match(/^\| graphql_client, for Rust \| (\S+) \|$/m)?.[1];
  assert.match(read("Cargo.lock"), new RegExp(`^name = "graphql_client"\nversion = "${rust}"$`, "m"));
});

test("it has an advice for every code of docs/errors.md, and no other", () => {
  const codes = (text: string) => [...text.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code).sort();
  assert.ok(codes(guide).length > 30);
  assert.deepEqual(codes(guide), codes(read("docs/errors.md")));
});
