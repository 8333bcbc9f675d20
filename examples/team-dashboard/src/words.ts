// Numbers and names as people read them.

export const count = (number: number) => number.toLocaleString("en");

/** A telephone number in groups of three and four digits, its country code in front: `+44 555 010 0003`. */
export function phoneNumber(phone: { prefix: string | null; number: string | null; e164: string | null }): string {
  const { prefix, number, e164 } = phone;
  if (!prefix || !number || e164 !== `+${prefix}${number}`) return e164 ?? number ?? "";
  const groups: string[] = [];
  let rest = number;
  while (rest.length > 4) {
    groups.push(rest.slice(0, 3));
    rest = rest.slice(3);
  }
  // A line is not broken within a number.
  return [`+${prefix}`, ...groups, rest].join("\u00a0");
}

/** How many people there are, of how many where that is not all of them, and how many are online. */
export function totals(shown: number, all: number | undefined, online: number | undefined, onlineOnly: boolean): string {
  const people = (number: number) => (number === 1 ? "1 person" : `${count(number)} people`);
  const head = all === undefined || all === shown ? people(shown) : `${count(shown)} of ${people(all)}`;
  if (online === undefined || shown === 0) return head;
  if (online === 0) return `${head}, nobody online`;
  return onlineOnly || (online === shown && shown > 1) ? `${head}, all online` : `${head}, ${count(online)} online`;
}
