// The rules of the schema's own scalars, which its SDL can only name: as the service documents them, written anew.

const EMAIL =
  /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/;

const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

// Without white space around it, as Unicode has that: `trim` takes a byte order mark for some.
function trim(text) {
  return text.replace(/^\p{White_Space}+|\p{White_Space}+$/gu, '');
}

function isEmail(text) {
  const trimmed = trim(text);
  return trimmed.length <= 254 && EMAIL.test(trimmed);
}

function isDateTime(text) {
  const parts = DATE_TIME.exec(trim(text));
  if (!parts) return false;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number);
  const days = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
  return month >= 1 && month <= 12 && day >= 1 && day <= days && hour < 24 && minute < 60 && second <= 60;
}

const RULES = { EmailAddress: isEmail, DateTime: isDateTime, URL: () => true };

// Gives the scalars of a schema their rules, for values of variables and for literals.
export function define(schema, { GraphQLError, Kind }) {
  for (const [name, holds] of Object.entries(RULES)) {
    const type = schema.getType(name);
    if (!type) continue;
    const check = (value, given) => {
      if (typeof value !== 'string' || !holds(value)) {
        throw new GraphQLError(`${name} cannot represent value: ${given}`);
      }
      return value;
    };
    type.parseValue = (value) => check(value, JSON.stringify(value));
    type.parseLiteral = (node) => check(node.kind === Kind.STRING ? node.value : undefined, node.kind);
    type.coerceInputValue = type.parseValue;
    type.coerceInputLiteral = type.parseLiteral;
  }
}
