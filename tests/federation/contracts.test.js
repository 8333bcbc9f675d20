// A variant of the graph without personal data: nothing in it tells an address or a number, not even by what is found.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";

import { composeSchemaContract } from "@theguild/federation-composition";
import { ROUTER_COMPATIBILITY_VERSION_ONE, federateSubgraphsContract } from "@wundergraph/composition";
import { buildSchema, getNamedType, isEnumType, isInputObjectType, isLeafType, isListType, isNonNullType, isObjectType, parse, validate } from "graphql";

import { start } from "../service.js";
import { gateways, ours } from "./graph.js";

// WunderGraph's composer uses it; Node.js has it from 22 on.
Set.prototype.isDisjointFrom ??= function (other) {
  return [...this].every((item) => !other.has(item));
};

/** The schema for clients of the variant without a tag, as each composer makes it. */
const composers = {
  "The Guild's composer": (url, tag = "personal-data") => {
    const filter = { include: new Set(), exclude: new Set([tag]) };
    const { errors, publicSdl, supergraphSdl } = composeSchemaContract([{ name: "team", typeDefs: parse(ours()), url }], filter, true);
    assert.equal(errors, undefined);
    return { schema: buildSchema(publicSdl, { assumeValidSDL: true }), supergraphSdl };
  },
  "WunderGraph's composer": (url, tag = "personal-data") => {
    const subgraphs = [{ name: "team", url, definitions: parse(ours()) }];
    const contractTagOptions = { tagNamesToExclude: new Set([tag]), tagNamesToInclude: new Set() };
    const result = federateSubgraphsContract({ subgraphs, contractTagOptions, version: ROUTER_COMPATIBILITY_VERSION_ONE });
    assert.deepEqual(result.errors?.map((error) => error.message), undefined);
    return { schema: result.federatedGraphClientSchema };
  },
};

/** What a client would ask to learn a member's address. */
const ATTACKS = {
  contact: "{ teamMembers { nodes { contact { email } } } }",
  "contact by a fragment on its type": "{ teamMembers { nodes { id } } } fragment F on TeamMemberContact { email }",
  search: '{ teamMembers(search: "liam@") { totalCount } }',
  "search of a team": '{ team { members(search: "liam@") { totalCount } } }',
  "search of a role": '{ roles { members(search: "liam@") { totalCount } } }',
  filter: '{ teamMembers(filter: { email: { startsWith: "l" } }) { totalCount } }',
  "filter below not": '{ teamMembers(filter: { not: { email: { contains: "l" } } }) { totalCount } }',
  order: "{ teamMembers(orderBy: [{ field: EMAIL }]) { nodes { id } } }",
  groups: "{ teamMembers { groups(by: [EMAIL]) { count } } }",
  unrecognized: "{ teamMembers { nodes { unrecognized { field value } } } }",
};

/** A selection of everything below a type, with the arguments that are given for a field's coordinate. */
function everything(type, depth, argumentsOf) {
  if (isLeafType(type)) return "";
  const fields = Object.values(type.getFields()).flatMap((field) => {
    const below = getNamedType(field.type);
    if (isObjectType(below) && depth === 0) return [];
    const given = argumentsOf(`${type.name}.${field.name}`, field);
    if (given === undefined) return [];
    return [`${field.name}${given} ${everything(below, depth - 1, argumentsOf)}`];
  });
  return fields.length ? `{ ${fields.join(" ")} }` : "{ __typename }";
}

/** Every text condition of a filter, asking for this text. */
function conditions(input, text, depth = 2) {
  return Object.values(input.getFields()).flatMap(({ name, type }) => {
    const inner = getNamedType(type);
    if (inner.name === "String" && !isListType(type)) return [`{ ${name}: ${JSON.stringify(text)} }`];
    if (!isInputObjectType(inner) || depth === 0) return [];
    const list = isListType(isNonNullType(type) ? type.ofType : type);
    return conditions(inner, text, depth - 1).map((condition) => (list ? `{ ${name}: [${condition}] }` : `{ ${name}: ${condition} }`));
  });
}

/** Queries of everything that the schema lets a client ask about members, with these texts in every place for a text. */
function questions(schema, texts) {
  const query = schema.getQueryType();
  const list = query.getFields().teamMembers;
  const argument = (name) => getNamedType(list.args.find((known) => known.name === name)?.type);
  const required = (_, field) => (field.args.some((known) => isNonNullType(known.type) && known.defaultValue === undefined) ? undefined : "");
  const all = [`{ teamMembers(first: 100) ${everything(getNamedType(list.type), 3, required)} }`];
  for (const text of texts) {
    const literal = JSON.stringify(text);
    const strings = list.args.filter(({ name, type }) => getNamedType(type).name === "String" && !["after", "before"].includes(name));
    for (const { name } of strings) {
      all.push(`{ teamMembers(first: 100, ${name}: ${literal}) { totalCount nodes { id } } }`);
    }
    for (const condition of conditions(argument("filter"), text)) {
      all.push(`{ teamMembers(first: 100, filter: ${condition}) { totalCount nodes { id } } }`);
    }
  }
  for (const { name } of getNamedType(argument("orderBy").getFields().field.type).getValues()) {
    all.push(`{ teamMembers(first: 100, orderBy: [{ field: ${name} }]) { edges { node { id } } } }`);
  }
  const groups = getNamedType(list.type).getFields().groups.args.find(({ name }) => name === "by");
  assert.ok(isEnumType(getNamedType(groups.type)));
  for (const { name } of getNamedType(groups.type).getValues()) {
    all.push(`{ teamMembers { groups(by: [${name}]) { count unreadMessages key { type status } } } }`);
  }
  return all.filter((text) => validate(schema, parse(text)).length === 0);
}

/** An answer without what changes with every reading and every edit, whatever was edited. */
const steady = (answer) => JSON.stringify(answer).replaceAll(/"(fetchedAt|updatedAt|generation|version|startCursor|endCursor|cursor)":("[^"]*"|\d+|null)/g, '"$1":0');

describe("a variant without personal data", () => {
  let service;
  const started = [];

  before(async () => {
    service = await start("demo", { "roster.fresh_for": "1ms", "budget.calls_per_hour": 1_000_000 });
  });

  after(async () => {
    await Promise.all(started.map((gateway) => gateway.stop()));
    service?.stop();
  });

  for (const [name, compose] of Object.entries(composers)) {
    test(`${name} leaves every way to contact data out, and the types that only it leads to`, () => {
      const { schema } = compose("http://127.0.0.1:9/graphql");
      for (const [attack, query] of Object.entries(ATTACKS)) {
        assert.notEqual(validate(schema, parse(query)).length, 0, attack);
      }
      for (const type of ["TeamMemberContact", "TeamMemberPhone", "UnrecognizedField"]) assert.equal(schema.getType(type), undefined, type);
      // What is not personal stays.
      assert.deepEqual(validate(schema, parse("{ teamMembers(filter: { name: { contains: \"a\" } }) { nodes { name role { id } } } }")), []);
    });

    test(`no answer that ${name}'s variant allows depends on an address or a number`, async () => {
      const member = (await service.query("{ teamMembers(first: 1) { nodes { id } } }")).data.teamMembers.nodes[0].id;
      const [before, after] = ["zora.quill@first.example", "yann.bixby@second.example"];
      const texts = [before, after, "zora", "yann.b", "@first", "second.example", "5550199"];
      const shown = async () => (await service.query(`{ teamMember(id: "${member}") { contact { email } } }`)).data.teamMember.contact?.email;
      /** The questions that a schema allows, of which the answer is another one when the address and the number are. */
      const differing = async (schema) => {
        const asked = questions(schema, texts);
        const answers = async (email, number) => {
          await service.change(member, { contact: { _id: "661ecc11aa0000000000beef", email, phone: { prefix: "1", number } } });
          // A reading of the team that was under way at the change may be answered from first.
          for (let tries = 0; (await shown()) !== email; tries++) {
            assert.ok(tries < 1000, "the change is not seen");
            await setTimeout(5);
          }
          return Promise.all(asked.map((query) => service.query(query)));
        };
        const [first, second] = [await answers(before, "2025550199"), await answers(after, "2025550123")];
        for (const [n, query] of asked.entries()) assert.equal(first[n].errors, undefined, query);
        return asked.filter((_, n) => steady(first[n].data) !== steady(second[n].data));
      };
      assert.deepEqual(await differing(compose(service.url).schema), []);
      // The same questions of the whole graph do tell them apart: contact data, the filter and the search each do.
      const found = (await differing(compose(service.url, "no such tag").schema)).join("\n");
      for (const way of ["contact", "email", "search"]) assert.ok(found.includes(way), way);
    });
  }

  for (const [name, begin] of gateways) {
    test(`${name} over the variant refuses each attack, and asks the service nothing`, async () => {
      const { supergraphSdl } = composers["The Guild's composer"](service.url);
      const gateway = await begin(supergraphSdl);
      started.push(gateway);
      const { data } = await gateway.ask("{ teamMembers { totalCount nodes { name } } }");
      assert.equal(data.teamMembers.totalCount, 12);
      const requests = await service.requests();
      for (const [attack, query] of Object.entries(ATTACKS)) {
        const { data, errors } = await gateway.ask(query);
        assert.ok(!data && errors.length > 0, attack);
      }
      assert.equal(await service.requests(), requests);
    });
  }
});
