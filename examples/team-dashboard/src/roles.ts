// What roles are called. Flowmatix's list has identifiers alone: put your names here.

const names: Record<string, string> = {};

export const roleName = (id: string) => names[id] ?? `Role ${id.slice(-4)}`;
