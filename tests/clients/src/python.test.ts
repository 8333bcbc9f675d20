// gql for Python, in a process of its own.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

import { start } from "../../service.js";

test("gql validates against the printed schema, and keeps the data beside errors", async () => {
  const service = await start("demo");
  try {
    const script = ["python/asking.py", service.url, "../../schema.graphql"];
    const { stdout } = await promisify(execFile)(".venv/bin/python", script);
    assert.deepEqual(JSON.parse(stdout), { members: 3, more: true, partial: { codes: ["BAD_USER_INPUT"], roles: 4 } });
  } finally {
    service.stop();
  }
});
