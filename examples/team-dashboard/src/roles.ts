// What roles are called. Flowmatix's list has identifiers alone: put your names here. A role without one is numbered by its age
// within the account, which identifiers begin with, so that its number stays.

const names: Record<string, string> = {};

export function roleNames(ids: string[]): (id: string) => string {
  const numbers = new Map([...ids].sort().map((id, n) => [id, n + 1]));
  return (id) => names[id] ?? (numbers.has(id) ? `Role ${numbers.get(id)}` : "Another role");
}
