// The people of one page, each with a live status that does not depend on colour.

import type { TeamQuery } from "./gql/graphql.ts";
import { count, phoneNumber } from "./words.ts";

type Member = NonNullable<TeamQuery["teamMembers"]>["nodes"][number];

interface Props {
  members: Member[];
  roleName: (id: string) => string;
  /** Whether these are the people of the last conditions, while new ones are looked up. */
  dimmed: boolean;
  filtered: boolean;
  onEverybody: () => void;
}

const lives = { ONLINE: "Online", OFFLINE: "Offline" };
const kinds = { AGENT: "Agent", CUSTOM_USER: "Custom user", CUSTOMER: "Customer" };

export function MemberList({ members, roleName, dimmed, filtered, onEverybody }: Props) {
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
        <MemberRow key={member.id} member={member} roleName={roleName} />
      ))}
    </ul>
  );
}

function MemberRow({ member, roleName }: { member: Member; roleName: (id: string) => string }) {
  const { name, liveAvailability, status, type, role, contact, unreadMessages } = member;
  const online = liveAvailability === "ONLINE";
  const phone = contact?.phone;
  return (
    <li className="member">
      <span className="avatar" aria-hidden="true" data-hue={hue(member.id)}>
        {initials(name)}
      </span>
      <div className="name">
        <h2>{name ?? "No name"}</h2>
        <p>
          <span className="about">{[type && kinds[type], role && roleName(role.id)].filter(Boolean).join(" · ")}</span>
          {status === "INACTIVE" && (
            <span className="badge" title="This person’s access is switched off in Flowmatix">
              Deactivated
            </span>
          )}
        </p>
      </div>
      <p className={online ? "live online" : "live"}>
        <span>{liveAvailability ? lives[liveAvailability] : "Unknown"}</span>
      </p>
      <p className="contact">
        {contact?.email && (
          <a href={`mailto:${contact.email}`} title={contact.email}>
            <Icon path="M3 6h18v12H3z M3.5 6.5l8.5 7 8.5-7" />
            <span>{contact.email}</span>
          </a>
        )}
        {phone?.e164 && (
          <a href={`tel:${phone.e164}`} title={phoneNumber(phone)}>
            <Icon path="M6 3h3l2 5-2.5 1.5a11 11 0 0 0 6 6L16 13l5 2v3a2.5 2.5 0 0 1-3 2.5C10.5 19.5 4.5 13.5 3.5 6A2.5 2.5 0 0 1 6 3z" />
            <span>{phoneNumber(phone)}</span>
          </a>
        )}
      </p>
      <p className="unread">
        {unreadMessages ? (
          <>
            {count(unreadMessages)}
            <span> unread</span>
          </>
        ) : null}
      </p>
    </li>
  );
}

function Icon({ path }: { path: string }) {
  return (
    <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinejoin="round">
      <path d={path} />
    </svg>
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
