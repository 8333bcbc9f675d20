// Bundles the explorer into dist/, from where it is built into the binary. What is served is stored as brotli, which takes a third of
// the room.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { brotliCompress, brotliDecompress, constants } from "node:zlib";

import { build } from "esbuild";

const [compress, decompress] = [promisify(brotliCompress), promisify(brotliDecompress)];

// Of the page's own fonts the upright ones of Latin letters are kept, in which its words and most code are written: browsers slant by
// themselves, and show other letters in the system's fonts. All of them would be half of what is stored.
const UNUSED_FONT = /@font-face\{(?![^}]*font-style:normal[^}]*unicode-range:U\+0[01]00-)[^}]*\}/g;

/** What is there already is left alone: compressing takes seconds, and a newer file has Cargo build again. */
async function store(path, contents) {
  if (!/\.(css|js)$/.test(path)) {
    const stored = await readFile(path).catch(() => null);
    return stored?.equals(contents) || writeFile(path, contents);
  }
  const stored = await readFile(`${path}.br`).then(decompress).catch(() => null);
  if (stored?.equals(contents)) return;
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    [constants.BROTLI_PARAM_SIZE_HINT]: contents.length,
  };
  await writeFile(`${path}.br`, await compress(contents, { params }));
}

const { outputFiles } = await build({
  entryPoints: { explorer: "src/main.jsx" },
  outdir: "dist",
  bundle: true,
  write: false,
  minify: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  legalComments: "linked",
  define: { "process.env.NODE_ENV": '"production"' },
  loader: { ".woff": "dataurl", ".woff2": "dataurl", ".ttf": "dataurl", ".svg": "dataurl" },
  logLevel: "warning",
});

await mkdir("dist", { recursive: true });
await Promise.all(outputFiles.map(({ path, text }) => store(path, Buffer.from(text.replace(UNUSED_FONT, "")))));
