// The people of one page, each with a live status that does not depend on colour.

import type { TeamQuery } from "./gql/graphql.ts";
import { roleName } from "./roles.ts";

type Member = NonNullable<TeamQuery["teamMembers"]>["nodes"][number];

interface Props {
  members: Member[];
  /** Whether these are the people of the last conditions, while new ones are looked up. */
  dimmed: boolean;
  filtered: boolean;
  onEverybody: () => void;
}

const lives = { ONLINE: "Online", OFFLINE: "Offline" };
const kinds = { AGENT: "Agent", CUSTOM_USER: "Custom user", CUSTOMER: "Customer" };

export function MemberList({ members, dimmed, filtered, onEverybody }: Props) {
  if (members.length === 0) {
    return (
      <section className="panel">
        <h2>{filtered ? "Nobody matches" : "Nobody is here yet"}</h2>
        <p>{filtered ? "No member of the team meets these conditions." : "Flowmatix lists no member for this account."}</p>
        {filtered && (
          <button type="button" onClick={onEverybody}>
            Show everybody
          </button>
        )}
      </section>
    );
  }
  return (
    <ul className="members" aria-label="Members" aria-busy={dimmed}>
      {members.map((member) => (
        <MemberRow key={member.id} member={member} />
      ))}
    </ul>
  );
}

function MemberRow({ member }: { member: Member }) {
  const { name, liveAvailability, status, type, role, contact, unreadMessages } = member;
  const online = liveAvailability === "ONLINE";
  const phone = contact?.phone?.e164;
  return (
    <li className="member">
      <span className="avatar" aria-hidden="true" data-hue={hue(member.id)}>
        {initials(name)}
      </span>
      <div className="name">
        <h2>{name ?? "No name"}</h2>
        <p>
          {[type && kinds[type], role && roleName(role.id)].filter(Boolean).join(" · ")}
          {status === "INACTIVE" && <span className="badge">No access</span>}
        </p>
      </div>
      <p className={online ? "live online" : "live"}>{liveAvailability ? lives[liveAvailability] : "Unknown"}</p>
      <p className="contact">
        {contact?.email && <a href={`mailto:${contact.email}`}>{contact.email}</a>}
        {phone && <a href={`tel:${phone}`}>{phone}</a>}
      </p>
      <p className="unread">{unreadMessages ? `${unreadMessages} unread` : ""}</p>
    </li>
  );
}

/** The list's shape, while it loads. */
export function MemberListLoading() {
  return (
    <>
      <p role="status" className="summary">
        Loading the team…
      </p>
      <ul className="members" aria-hidden="true">
        {Array.from({ length: 6 }, (_, n) => (
          <li className="member loading" key={n}>
            <span className="avatar" />
            <div className="name">
              <span className="line" />
              <span className="line short" />
            </div>
          </li>
        ))}
      </ul>
    </>
  );
}

function initials(name: string | null): string {
  const words = (name ?? "?").split(/\s+/).filter(Boolean);
  const ends = words.length > 1 ? [words[0], words.at(-1)] : words;
  return ends.map((word) => [...(word ?? "")][0] ?? "").join("");
}

/** One of six colours, the same for a member every time. */
function hue(id: string): number {
  return [...id].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 6;
}
