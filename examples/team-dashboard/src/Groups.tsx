// Who is there by role and availability, counted by the service over everybody whom the search finds, whatever the page shows.

import { useState } from "react";

import type { TeamQuery } from "./gql/graphql.ts";
import { count } from "./words.ts";

type Counted = NonNullable<NonNullable<TeamQuery["matching"]>["groups"]>;

interface Row {
  /** Empty for people without a role. */
  role: string;
  online: number;
  offline: number;
  /** Whose availability this page does not know: an enum may grow. */
  other: number;
  unread: number;
}

/** One row for each role, in the order of the groups. */
export function toRows(groups: Counted): Row[] {
  const rows = new Map<string, Row>();
  for (const { key, count, unreadMessages } of groups) {
    const role = key.role?.id ?? "";
    const row = rows.get(role) ?? { role, online: 0, offline: 0, other: 0, unread: 0 };
    const availability = key.liveAvailability === "ONLINE" ? "online" : key.liveAvailability === "OFFLINE" ? "offline" : "other";
    row[availability] += count;
    row.unread += unreadMessages;
    rows.set(role, row);
  }
  return [...rows.values()];
}

interface Props {
  groups: Counted;
  roleId: string;
  roleName: (id: string) => string;
  onRole: (id: string) => void;
}

export function Groups({ groups, roleId, roleName, onRole }: Props) {
  const [open, setOpen] = useState(false);
  const rows = toRows(groups);
  const others = rows.some(({ other }) => other > 0);
  return (
    <details className="groups" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>By role and availability</summary>
      {open && (
        <table>
          <thead>
            <tr>
              <th scope="col">Role</th>
              <th scope="col">Online</th>
              <th scope="col">Offline</th>
              {others && <th scope="col">Unknown</th>}
              <th scope="col">Unread</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ role, online, offline, other, unread }) => (
              <tr key={role}>
                <th scope="row">
                  {role ? (
                    <button type="button" className="link" aria-pressed={role === roleId} onClick={() => onRole(role === roleId ? "" : role)}>
                      {roleName(role)}
                    </button>
                  ) : (
                    "No role"
                  )}
                </th>
                <td>{count(online)}</td>
                <td>{count(offline)}</td>
                {others && <td>{count(other)}</td>}
                <td>{count(unread)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </details>
  );
}
