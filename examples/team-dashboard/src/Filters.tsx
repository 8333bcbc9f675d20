// Search, role, who is online, and the order.

import { useEffect, useState } from "react";

import type { TeamMemberFilter, TeamMemberOrder, TeamQuery } from "./gql/graphql.ts";
import { count } from "./words.ts";

export interface Conditions {
  search: string;
  roleId: string;
  onlineOnly: boolean;
  order: keyof typeof orders;
}

export const everybody: Conditions = { search: "", roleId: "", onlineOnly: false, order: "name" };

const orders = {
  name: { label: "Name", orderBy: [{ field: "NAME" }] },
  online: { label: "Online first", orderBy: [{ field: "LIVE_AVAILABILITY" }, { field: "NAME" }] },
  unread: { label: "Most unread", orderBy: [{ field: "UNREAD_MESSAGES", direction: "DESC" }, { field: "NAME" }] },
} satisfies Record<string, { label: string; orderBy: TeamMemberOrder[] }>;

export const isOrder = (text: string): text is Conditions["order"] => Object.hasOwn(orders, text);

/** Whether these conditions leave somebody out. */
export const isFiltered = ({ search, roleId, onlineOnly }: Conditions) => search !== "" || roleId !== "" || onlineOnly;

/** How long a person may pause between two letters. */
const PAUSE = 250;

/** The query's variables for these conditions. */
export function toVariables({ search, roleId, onlineOnly, order }: Conditions) {
  const role: TeamMemberFilter = roleId ? { roleId: { eq: roleId } } : {};
  const online: TeamMemberFilter = { ...role, liveAvailability: ["ONLINE"] };
  return { search: search || undefined, filter: onlineOnly ? online : role, online, orderBy: orders[order].orderBy };
}

interface Props {
  conditions: Conditions;
  roles: NonNullable<TeamQuery["roles"]>;
  roleName: (id: string) => string;
  onChange: (conditions: Conditions) => void;
}

export function Filters({ conditions, roles, roleName, onChange }: Props) {
  const [search, setSearch] = useState(conditions.search);
  useEffect(() => setSearch(conditions.search), [conditions.search]);
  useEffect(() => {
    if (search.trim() === conditions.search) return;
    const timer = setTimeout(() => onChange({ ...conditions, search: search.trim() }), PAUSE);
    return () => clearTimeout(timer);
  });

  return (
    <form className="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <label className="field search">
        <span>Search</span>
        <input type="search" value={search} placeholder="Name, e-mail or phone" onChange={(event) => setSearch(event.target.value)} />
      </label>
      <label className="field">
        <span>Role</span>
        <select value={conditions.roleId} onChange={(event) => onChange({ ...conditions, roleId: event.target.value })}>
          <option value="">All roles</option>
          {/* A role of a link that was passed on, or one that is gone. */}
          {conditions.roleId && !roles.some(({ id }) => id === conditions.roleId) && (
            <option value={conditions.roleId}>{roleName(conditions.roleId)}</option>
          )}
          {[...roles]
            .sort((a, b) => (a.id < b.id ? -1 : 1))
            .map(({ id, memberCount }) => (
              <option key={id} value={id}>
                {roleName(id)} ({count(memberCount ?? 0)})
              </option>
            ))}
        </select>
      </label>
      <label className="field">
        <span>Sort by</span>
        <select value={conditions.order} onChange={(event) => onChange({ ...conditions, order: event.target.value as Conditions["order"] })}>
          {Object.entries(orders).map(([order, { label }]) => (
            <option key={order} value={order}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <label className="check">
        <input
          type="checkbox"
          checked={conditions.onlineOnly}
          onChange={(event) => onChange({ ...conditions, onlineOnly: event.target.checked })}
        />
        <span>Online only</span>
      </label>
    </form>
  );
}
