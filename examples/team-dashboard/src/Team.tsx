// The page: what is asked for and how often, and which of its parts is shown.

import { NetworkStatus } from "@apollo/client";
import { useQuery } from "@apollo/client/react";
import { useEffect, useRef, useState } from "react";

import { AsOf, StaleNotice } from "./AsOf.tsx";
import { type Conditions, Filters, isFiltered, toVariables } from "./Filters.tsx";
import { Groups } from "./Groups.tsx";
import { MemberList, MemberListLoading } from "./MemberList.tsx";
import { Pages } from "./Pages.tsx";
import { ProblemPanel } from "./ProblemPanel.tsx";
import { SignIn } from "./SignIn.tsx";
import { type View, start } from "./address.ts";
import type { TeamQuery } from "./gql/graphql.ts";
import { useLiveTeam } from "./live.ts";
import { contactIsHidden, problemOf } from "./problem.ts";
import { teamQuery } from "./queries.ts";
import { roleNames } from "./roles.ts";
import type { Session } from "./session.ts";
import { totals } from "./words.ts";

const PAGE = 20;
/** How often to ask: for a stale team, or none, again soon, because the service is getting a newer one, or trying to. */
const EVERY = { fresh: 30_000, stale: 3_000 };
/** A team that is stale for a moment is no news. */
const STALE_FOR = 4_000;

interface Props {
  session: Session;
  view: View;
  onView: (view: View) => void;
  /** `arriving` is true for the first way in, before any team was shown. */
  onSession: (session: Session, arriving: boolean) => void;
}

export function Team({ session, view, onView, onSession }: Props) {
  const [every, setEvery] = useState(EVERY.fresh);
  const [changing, setChanging] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);

  const page = view.before ? { last: PAGE, before: view.before } : { first: PAGE, after: view.after };
  const variables = { account: session.account, ...page, ...toVariables(view) };
  const { data, error, loading: asking, networkStatus, previousData, refetch } = useQuery(teamQuery, {
    variables,
    fetchPolicy: "cache-and-network",
    nextFetchPolicy: "cache-first",
    pollInterval: every,
    skipPollAttempt: () => document.hidden,
  });
  const shown = useKept(data, JSON.stringify(variables));
  const loading = networkStatus === NetworkStatus.loading || networkStatus === NetworkStatus.setVariables;
  // While new conditions are looked up, the old list stays, dimmed.
  const answer = shown ?? (loading ? previousData : undefined);
  const lastError = useSettled(error, asking);
  const problem = problemOf(lastError);
  // Whoever may no longer read a team is not shown the last one.
  const team = problem?.wayOut === "account" ? undefined : answer?.teamMembers;
  const old = team != null && (team.stale || problem !== undefined);
  const oldForLong = useLasting(old, STALE_FOR);
  const soon = old || problem?.wayOut === "again";
  useEffect(() => setEvery(soon ? EVERY.stale : EVERY.fresh), [soon]);

  useLiveTeam({ account: session.account, watch: team != null, onChange: () => void refetch() });

  const signIn = problem?.wayOut === "sign in";
  if (signIn || changing) {
    return (
      <SignIn
        session={session}
        reason={signIn ? problem : undefined}
        onCancel={signIn ? undefined : () => setChanging(false)}
        onSession={(next) => onSession(next, signIn && session.token === "")}
      />
    );
  }

  const conditions: Conditions = { search: view.search, roleId: view.roleId, onlineOnly: view.onlineOnly, order: view.order };
  const change = (next: Conditions) => onView({ ...next, page: 1 });
  const turn = (next: Pick<View, "page" | "after" | "before">) => {
    onView({ ...conditions, ...next });
    heading.current?.focus({ preventScroll: true });
    scrollTo({ top: 0 });
  };
  const roles = answer?.roles ?? [];
  const roleName = roleNames(roles.map(({ id }) => id));
  const filtered = isFiltered(view);
  // Nothing to choose from: over a refusal, and in a team without anybody.
  const choosing = team ? filtered || team.totalCount > 0 : problem === undefined;

  return (
    <>
      <header className="bar">
        <div className="bar-inside">
          <div className="bar-title">
            <h1 ref={heading} tabIndex={-1}>
              Team
            </h1>
            <p className="who">{roles[0]?.account.email ?? session.account?.email}</p>
          </div>
          <button type="button" className="quiet" onClick={() => setChanging(true)}>
            Account
          </button>
        </div>
      </header>
      <main>
        {choosing && <Filters conditions={conditions} roles={roles} roleName={roleName} onChange={change} />}
        {team && answer?.matching?.groups && answer.matching.groups.length > 1 && (
          <Groups
            groups={answer.matching.groups}
            roleId={view.roleId}
            roleName={roleName}
            onRole={(roleId) => change({ ...conditions, roleId })}
          />
        )}
        {team && (
          <div className="summary">
            <div>
              <p role="status">
                {totals(team.totalCount, filtered ? answer?.everybody?.totalCount : undefined, answer?.online?.totalCount, view.onlineOnly)}
              </p>
              {!oldForLong && <AsOf fetchedAt={team.fetchedAt} />}
            </div>
            <button type="button" className="quiet" disabled={networkStatus === NetworkStatus.refetch} onClick={() => void refetch()}>
              Refresh
            </button>
          </div>
        )}
        {team ? (
          <>
            {oldForLong && <StaleNotice fetchedAt={team.fetchedAt} reason={problem?.title} />}
            {contactIsHidden(lastError) && <p className="note">Your key may not read e-mail addresses and telephone numbers, so they are left out.</p>}
            <MemberList
              members={team.nodes}
              roleName={roleName}
              dimmed={shown === undefined}
              filtered={filtered}
              onEverybody={() => onView({ ...start, order: view.order })}
            />
            <Pages
              page={view.page}
              pages={Math.max(view.page, Math.ceil(team.totalCount / PAGE))}
              onPrevious={previousOf(team, view.page, turn)}
              onNext={nextOf(team, view.page, turn)}
            />
          </>
        ) : problem ? (
          <ProblemPanel
            problem={problem}
            // From the first page: a cursor can be what was wrong.
            onAgain={() => (view.page > 1 ? change(conditions) : void refetch())}
            onAccount={() => setChanging(true)}
          />
        ) : (
          <MemberListLoading />
        )}
      </main>
    </>
  );
}

type Listed = NonNullable<TeamQuery["teamMembers"]>;
type Turn = (to: Pick<View, "page" | "after" | "before">) => void;

/** The page before; the first one is found without a cursor, so that whoever joined at the front is on it. */
function previousOf({ pageInfo: { hasPreviousPage, startCursor } }: Listed, page: number, turn: Turn) {
  if (page === 1 || !hasPreviousPage || !startCursor) return page > 1 ? () => turn({ page: 1 }) : undefined;
  return () => turn(page === 2 ? { page: 1 } : { page: page - 1, before: startCursor });
}

function nextOf({ pageInfo: { hasNextPage, endCursor } }: Listed, page: number, turn: Turn) {
  return hasNextPage && endCursor ? () => turn({ page: page + 1, after: endCursor }) : undefined;
}

/** The last data for these variables: a failed request does not take it away. */
function useKept<Data>(data: Data | undefined, key: string): Data | undefined {
  const kept = useRef<{ key: string; data: Data }>(undefined);
  useEffect(() => {
    if (data) kept.current = { key, data };
  }, [data, key]);
  return data ?? (kept.current?.key === key ? kept.current.data : undefined);
}

/** The last error, also while it is asked again and nobody knows yet. */
function useSettled<Value>(value: Value, asking: boolean): Value {
  const settled = useRef(value);
  useEffect(() => {
    if (!asking) settled.current = value;
  }, [value, asking]);
  return asking ? settled.current : value;
}

/** Whether this has been true for so many milliseconds. */
function useLasting(now: boolean, milliseconds: number): boolean {
  const [lasting, setLasting] = useState(false);
  useEffect(() => {
    if (!now) return setLasting(false);
    const timer = setTimeout(() => setLasting(true), milliseconds);
    return () => clearTimeout(timer);
  }, [now, milliseconds]);
  return now && lasting;
}
