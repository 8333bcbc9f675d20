// Compares pairs of schemas with two versions of graphql-js. Each line of standard input is a pair: the old SDL and the new one.
// The answer to it is what each version finds. Version 17 names schema coordinates in its descriptions.

import * as readline from 'node:readline';
import * as graphql16 from 'graphql-16';
import * as graphql17 from 'graphql-17';

const PATTERNS = {
  TYPE_REMOVED: /^(\w+) was removed/,
  TYPE_ADDED: /^(\w+) was added/,
  TYPE_CHANGED_KIND: /^(\w+) changed/,
  TYPE_REMOVED_FROM_UNION: /union type (\w+)\.$/,
  TYPE_ADDED_TO_UNION: /union type (\w+)\.$/,
  IMPLEMENTED_INTERFACE_ADDED: /implemented by (\w+)\.$/,
  IMPLEMENTED_INTERFACE_REMOVED: /^(\w+) no longer/,
  DIRECTIVE_LOCATION_ADDED: / to (@\w+)\.$/,
  DIRECTIVE_LOCATION_REMOVED: / from (@\w+)\.$/,
  DIRECTIVE_REPEATABLE_ADDED: / to (@\w+)\.$/,
  DIRECTIVE_REPEATABLE_REMOVED: / from (@\w+)\.$/,
};
const ANY = /(@\w+\(\w+:\)|\w+\.\w+\(\w+:\)|@\w+|\w+\.\w+)/;

function changes(library, [oldText, newText]) {
  const [before, after] = [oldText, newText].map((text) => library.buildSchema(text));
  const lists = {
    breaking: library.findBreakingChanges(before, after),
    dangerous: library.findDangerousChanges(before, after),
    safe: library.findSchemaChanges?.(before, after).filter(({ type }) => type in library.SafeChangeType) ?? [],
  };
  // A scalar of the specification that nothing refers to any more is no change of the contract.
  const ours = (change) => !/Standard scalar|^(Int|Float|ID) was added/.test(change.description);
  return Object.entries(lists).flatMap(([name, list]) =>
    list.filter(ours).map(({ type, description }) => {
      const match = (PATTERNS[type] ?? ANY).exec(description);
      return { class: name, kind: type, coordinate: match?.[1] ?? '', description };
    }),
  );
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const pair = JSON.parse(line);
  process.stdout.write(`${JSON.stringify([changes(graphql16, pair), changes(graphql17, pair)])}\n`);
}
