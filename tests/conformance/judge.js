// Judges requests with two versions of graphql-js. The first line of standard input has the schemas; the answer to it is their
// introspection. Every further line is one request, with the data that the service answered where it executed the request;
// the answer to it is one verdict of each version.
//
// A verdict has the phase in which the request ends ("syntax", "validation", "operation", "variables" or "executed"), and for
// an executed request the paths of the arguments that cannot be coerced, and whether the service's data is what graphql-js
// makes of the same values.

import assert from 'node:assert/strict';
import * as graphql16 from 'graphql-16';
import * as graphql17 from 'graphql-17';
import * as scalars from './scalars.js';

// Errors are counted here, not traced.
Error.stackTraceLimit = 0;

// No part of the specification: our own limit on the depth of introspection stands in its place.
const LEFT_OUT = 'MaxIntrospectionDepthRule';

// The message of an error that the service has at the same field.
const REFUSED = 'The service refuses this field.';

class Version {
  constructor(library, sdls) {
    // The texts of what is built in are the implementation's. The service has this one from apollo-compiler.
    library.GraphQLOneOfDirective.description = 'Indicates an Input Object is a OneOf Input Object.';
    this.library = library;
    this.judged = 0;
    const rules = library.specifiedRules.filter((rule) => rule.name !== LEFT_OUT);
    this.names = rules.map((rule) => rule.name);
    this.rules = rules;
    this.schemas = {};
    for (const [name, sdl] of Object.entries(sdls)) {
      this.schemas[name] = library.buildSchema(sdl);
      scalars.define(this.schemas[name], library);
    }
  }

  introspection(name) {
    return this.library.introspectionFromSchema(this.schemas[name]);
  }

  judge({ schema: name, request, data, undecided = [], failed = [] }) {
    const { library } = this;
    const schema = this.schemas[name];
    let document;
    try {
      document = library.parse(request.query);
    } catch (error) {
      return verdict('syntax', [error]);
    }
    const invalid = validate(library, schema, document, this.rules);
    if (this.judged++ % 50 === 0 && !invalid.some((error) => error.isThrown)) {
      // Whether our walk finds what the library's own finds.
      const own = library.validate(schema, document, this.rules, { maxErrors: 1000 });
      assert.deepEqual(invalid.map(String), own.map(String), request.query);
    }
    if (invalid.length > 0) {
      return { ...verdict('validation', invalid), rules: [...new Set(invalid.map((error) => error.rule))] };
    }
    // An empty name is no name: clients send it from empty form fields.
    const operationName = request.operationName || null;
    const operation = library.getOperationAST(document, operationName);
    if (!operation || !schema.getRootType(operation.operation)) {
      return verdict('operation', [new library.GraphQLError('There is no such operation.')]);
    }
    const variables = request.variables ?? {};
    const coerced = library.getVariableValues(schema, operation.variableDefinitions ?? [], variables);
    if (coerced.errors) {
      return verdict('variables', coerced.errors);
    }
    if (operation.operation === 'subscription') return verdict('stream', []);
    const repeatsKey = this.#repeatsKey(schema, document, coerced.coerced ?? coerced.variableValues);
    const executed = this.#execute(schema, document, operationName, variables, data, { undecided, failed });
    const inlined = executed.paths.length === 0 ? inline(library, schema, document, operation, coerced.coerced) : undefined;
    return { ...executed, repeatsKey, inlined };
  }

  // Whether an `orderBy` or a `by` anywhere in the document names a field twice.
  #repeatsKey(schema, document, variables) {
    const { library } = this;
    let found = false;
    const typeInfo = new library.TypeInfo(schema);
    const Field = (node) => {
      const field = typeInfo.getFieldDef();
      if (!field?.args.some((arg) => arg.name === 'orderBy' || arg.name === 'by')) return;
      try {
        const args = library.getArgumentValues(field, node, variables);
        found ||= namesTwice(args.orderBy) || namesTwice(args.by);
      } catch {
        // An argument that cannot be coerced is an error of its field.
      }
    };
    library.visit(document, library.visitWithTypeInfo(typeInfo, { Field }));
    return found;
  }

  // Executes over the service's own values: each field is read from its answer by the response key.
  //
  // Where the service nulled an object because of something in it, there is no value of its own: a made-up one stands there,
  // so that graphql-js comes to the same by itself. `undecided` has the paths of objects in which a condition is null,
  // `failed` those of all errors.
  #execute(schema, document, operationName, variableValues, data, { undecided, failed }) {
    const found = { nullOperators: [], pages: [], cursors: [], representations: [], repeatedKeys: [] };
    const madeUp = new WeakMap();
    const types = new WeakMap();
    const fieldResolver = (source, args, _, info) => {
      const path = pathOf(info.path);
      const field = info.parentType.getFields()[info.fieldName];
      const named = Object.fromEntries(field.args.map((arg) => [arg.name, arg]));
      if (field.args.some((arg) => args[arg.name] != null && hasNullOperator(this.library, args[arg.name], arg.type))) {
        found.nullOperators.push(path);
      }
      if (args.first != null && args.last != null) found.pages.push(path);
      else if ([args.first, args.last].some((length) => length < 0)) found.pages.push(path);
      // A list without pages may be as long as it is.
      else if ('last' in named && Math.max(args.first ?? 0, args.last ?? 0) > 1000) found.pages.push(path);
      if (args.after != null || args.before != null) found.cursors.push(path);
      if (namesTwice(args.orderBy) || namesTwice(args.by)) found.repeatedKeys.push(path);
      let value = source?.[info.path.key];
      const instead = (place) => {
        const leadsTo = (error) => place.every((key, n) => error[n] === key);
        const leading = undecided.find(leadsTo);
        if (leading) return madeUpTo(leading.slice(place.length), madeUp, madeUpTo([], madeUp));
        const failing = failed.find((error) => error.length > place.length && leadsTo(error));
        return failing && madeUpTo(failing.slice(place.length), madeUp, null);
      };
      const isFailed = failed.some((error) => error.length === path.length && path.every((key, n) => error[n] === key));
      // The comparison asks for the reason.
      if (value == null && isFailed && !instead(path)) throw new Error(REFUSED);
      value ??= instead(path) ?? (madeUp.has(source) ? this.#anyValue(info.returnType, madeUp) : value);
      if (Array.isArray(value)) value = value.map((item, n) => item ?? instead([...path, n]) ?? item);
      if (info.fieldName === '_entities' && Array.isArray(value)) {
        value.forEach((entity, n) => entity && types.set(entity, args.representations[n]?.__typename));
        found.representations.push(path);
      }
      // A role's identifiers and a member's are told apart as the test's team has them.
      if (info.parentType.name === 'Query' && info.fieldName === 'node' && value) {
        types.set(value, args.id.startsWith('65f1a0c2d4e5f6a7b8c9f') ? 'Role' : 'TeamMember');
      }
      return value;
    };
    const result = this.library.execute({
      schema,
      document,
      operationName,
      variableValues,
      rootValue: data ?? {},
      fieldResolver,
      typeResolver: (value) => types.get(value),
    });
    if (!('data' in result)) {
      return verdict('operation', result.errors);
    }
    const all = result.errors ?? [];
    // Whatever else fails comes of data that is not as the schema says: the comparison shows it.
    const errors = all.filter((error) => /^(Argument|Variable) "/.test(error.message));
    let difference = data === undefined ? undefined : firstDifference(result.data, data, []);
    if (difference) difference = firstDifference(sorted(result.data), sorted(data), []);
    const unexplained = all.filter((error) => !errors.includes(error) && error.message !== REFUSED);
    const others = unexplained.map((error) => error.message.toWellFormed());
    return { ...verdict('executed', errors), ...found, difference, others };
  }

  // A value of this type for a field of a made-up object.
  #anyValue(type, madeUp) {
    const { library } = this;
    if (library.isNonNullType(type)) return this.#anyValue(type.ofType, madeUp);
    if (library.isListType(type)) return [];
    if (library.isObjectType(type)) return madeUpTo([], madeUp);
    if (library.isEnumType(type)) return type.getValues()[0].value;
    return { Int: 0, Float: 0, Boolean: false }[type.name] ?? 'x';
  }
}

// Objects and lists in which this path leads to the value `end`.
function madeUpTo([key, ...rest], madeUp, end) {
  if (key === undefined && end !== undefined) return end;
  if (typeof key === 'number') return Array.from({ length: key + 1 }, () => madeUpTo(rest, madeUp, end));
  const object = key === undefined ? {} : { [key]: madeUpTo(rest, madeUp, end) };
  madeUp.set(object, true);
  return object;
}

// Whether two keys to sort or group by name the same field.
function namesTwice(keys) {
  const fields = [keys ?? []].flat().map((key) => key.field ?? key);
  return new Set(fields).size < fields.length;
}

// The operation alone, with the values that its variables were coerced to written in their places. Nothing where it has no
// variables, or a version of the library that keeps more of them than the values.
function inline(library, schema, document, operation, values) {
  if (!values || operation.variableDefinitions.length === 0) return undefined;
  const types = {};
  for (const { variable, type } of operation.variableDefinitions) {
    types[variable.name.value] = library.typeFromAST(schema, type);
  }
  const { Kind } = library;
  // A variable without a value leaves its argument or input field out.
  const leaveOut = ({ value }) =>
    value.kind === Kind.VARIABLE && !Object.hasOwn(values, value.name.value) ? null : undefined;
  const name = (text) => ({ kind: Kind.NAME, value: text });
  const literal = (value, type) => {
    if (type && library.isNonNullType(type)) return literal(value, type.ofType);
    if (value === null) return { kind: Kind.NULL };
    const below = type && library.isListType(type) ? type.ofType : undefined;
    if (Array.isArray(value)) return { kind: Kind.LIST, values: value.map((item) => literal(item, below)) };
    if (typeof value === 'object') {
      const fields = type && library.isInputObjectType(type) ? type.getFields() : {};
      const field = ([key, inner]) => ({ kind: Kind.OBJECT_FIELD, name: name(key), value: literal(inner, fields[key]?.type) });
      return { kind: Kind.OBJECT, fields: Object.entries(value).map(field) };
    }
    if (typeof value === 'boolean') return { kind: Kind.BOOLEAN, value };
    if (typeof value === 'number') return { kind: Number.isInteger(value) ? Kind.INT : Kind.FLOAT, value: String(value) };
    return type && library.isEnumType(type) ? { kind: Kind.ENUM, value } : { kind: Kind.STRING, value };
  };
  const alone = library.separateOperations(document)[operation.name?.value ?? ''];
  const inlined = library.visit(alone, {
    OperationDefinition: { leave: (node) => ({ ...node, variableDefinitions: [] }) },
    VariableDefinition: () => false,
    Argument: leaveOut,
    ObjectField: leaveOut,
    Variable: ({ name: { value } }) => literal(values[value] ?? null, types[value]),
  });
  // A null that no execution has come to is an error of the document when it is written.
  const rules = [library.ValuesOfCorrectTypeRule, library.ProvidedRequiredArgumentsRule];
  if (library.validate(schema, inlined, rules).length > 0) return undefined;
  const text = library.print(inlined);
  return text.isWellFormed() ? text : undefined;
}

// Validates by all rules in one walk, and writes on each error the name of its rule. (The library's own walk looks every
// visitor up at every node, which is most of its time.)
function validate(library, schema, document, rules) {
  const errors = [];
  const typeInfo = new library.TypeInfo(schema);
  let current;
  const context = new library.ValidationContext(schema, document, typeInfo, (error) => {
    error.rule = current;
    errors.push(error);
  });
  const enters = {};
  const leaves = {};
  rules.forEach((rule, place) => {
    const visitor = rule(context);
    const kinds = visitor.enter || visitor.leave ? Object.values(library.Kind) : Object.keys(visitor);
    for (const kind of kinds) {
      const { enter, leave } = library.getEnterLeaveForKind(visitor, kind);
      if (enter) (enters[kind] ??= []).push({ visit: enter, place });
      if (leave) (leaves[kind] ??= []).push({ visit: leave, place });
    }
  });
  // The node below which a rule looks at nothing.
  const skipped = rules.map(() => null);
  const call = (visits, parameters) => {
    for (const { visit, place } of visits ?? []) {
      if (skipped[place] !== null) continue;
      current = rules[place].name;
      let result;
      try {
        result = visit.apply(undefined, parameters);
      } catch (error) {
        // The rule of subscriptions in version 16 throws where a condition at the root is a variable, which the specification of
        // September 2025 forbids there: it refuses, if not as it should.
        if (!(error instanceof library.GraphQLError)) throw error;
        errors.push(Object.assign(error, { rule: current, isThrown: true }));
        continue;
      }
      if (result === false) skipped[place] = parameters[0];
      else if (result === library.BREAK) skipped[place] = library.BREAK;
    }
  };
  library.visit(
    document,
    library.visitWithTypeInfo(typeInfo, {
      enter: (...parameters) => {
        // A description is a string, and no value.
        if (parameters[1] === 'description') return false;
        call(enters[parameters[0].kind], parameters);
        return undefined;
      },
      leave: (...parameters) => {
        call(leaves[parameters[0].kind], parameters);
        skipped.forEach((node, place) => {
          if (node === parameters[0]) skipped[place] = null;
        });
      },
    }),
  );
  return errors;
}

function verdict(phase, errors) {
  return {
    phase,
    // A message may end within a surrogate pair, which is no Unicode.
    messages: errors.slice(0, 5).map((error) => error.message.toWellFormed()),
    paths: errors.filter((error) => error.path).map((error) => error.path),
    locations: errors.flatMap((error) => error.locations ?? []).map(({ line, column }) => [line, column]),
  };
}

function pathOf(path) {
  return path ? [...pathOf(path.prev), path.key] : [];
}

// Whether a filter's operator is null: inside an input type whose name ends in Filter, and which has no filters itself.
function hasNullOperator(library, value, type) {
  const named = library.getNamedType(type);
  if (value == null || !library.isInputObjectType(named)) return false;
  if (Array.isArray(value)) return value.some((item) => hasNullOperator(library, item, type));
  const fields = named.getFields();
  const isOperators =
    named.name.endsWith('Filter') &&
    Object.values(fields).every((field) => !library.isInputObjectType(library.getNamedType(field.type)));
  return Object.entries(value).some(
    ([name, inner]) => (isOperators && inner === null) || hasNullOperator(library, inner, fields[name].type),
  );
}

// Introspection lists types, fields and values in no order that means anything. Other lists are those of the service itself.
function sorted(data) {
  if (data === null || typeof data !== 'object') return data;
  if (!Array.isArray(data)) {
    return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, sorted(value)]));
  }
  const items = data.map(sorted).map((item) => [JSON.stringify(item), item]);
  return items.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, item]) => item);
}

function firstDifference(ours, theirs, path) {
  if (ours === theirs) return undefined;
  const at = { path, graphql: brief(ours), service: brief(theirs) };
  if (ours === null || theirs === null || typeof ours !== 'object' || typeof theirs !== 'object') return at;
  if (Array.isArray(ours) !== Array.isArray(theirs)) return at;
  const [keys, others] = [Object.keys(ours), Object.keys(theirs)];
  if (keys.length !== others.length || keys.some((key, n) => key !== others[n])) {
    return { path, graphql: brief(keys), service: brief(others) };
  }
  for (const key of keys) {
    const difference = firstDifference(ours[key], theirs[key], [...path, key]);
    if (difference) return difference;
  }
  return undefined;
}

function brief(value) {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 300 ? `${text.slice(0, 300).toWellFormed()}…` : text;
}

let versions;

function answer(line) {
  const message = JSON.parse(line);
  if (!versions) {
    versions = [graphql16, graphql17].map((library) => new Version(library, message.schemas));
    const names = Object.keys(message.schemas);
    return {
      rules: [...new Set(versions.flatMap((version) => version.names))],
      schemas: Object.fromEntries(names.map((name) => [name, versions[0].introspection(name)])),
    };
  }
  return versions.map((version) => version.judge(message));
}

let rest = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop();
  const answers = lines.filter((line) => line).map((line) => `${JSON.stringify(answer(line))}\n`);
  if (answers.length > 0) process.stdout.write(answers.join(''));
});
