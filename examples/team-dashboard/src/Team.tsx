// The page: what is asked for and how often, and which of its parts is shown.

import { NetworkStatus } from "@apollo/client";
import { useQuery } from "@apollo/client/react";
import { useEffect, useRef, useState } from "react";

import { AsOf, StaleNotice } from "./AsOf.tsx";
import { type Conditions, Filters, everybody, toVariables } from "./Filters.tsx";
import { MemberList, MemberListLoading } from "./MemberList.tsx";
import { Pages } from "./Pages.tsx";
import { ProblemPanel } from "./ProblemPanel.tsx";
import { SignIn } from "./SignIn.tsx";
import type { TeamQuery } from "./gql/graphql.ts";
import { contactIsHidden, problemOf } from "./problem.ts";
import { teamQuery } from "./queries.ts";
import type { Session } from "./session.ts";

const PAGE = 20;
/** How often to ask: for a stale team, or none, again soon, because the service is getting a newer one, or trying to. */
const EVERY = { fresh: 30_000, stale: 3_000 };
/** A team that is stale for a moment is no news. */
const STALE_FOR = 4_000;

interface Props {
  session: Session;
  conditions: Conditions;
  onConditions: (conditions: Conditions) => void;
  onSession: (session: Session) => void;
}

export function Team({ session, conditions, onConditions, onSession }: Props) {
  // The cursor before each page that was turned to; the first page has none.
  const [cursors, setCursors] = useState<string[]>([]);
  const [every, setEvery] = useState(EVERY.fresh);
  const [changing, setChanging] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);

  const variables = { account: session.account, first: PAGE, after: cursors.at(-1), ...toVariables(conditions) };
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

  const signIn = problem?.wayOut === "sign in";
  if (signIn || changing) {
    return (
      <SignIn
        session={session}
        reason={signIn ? problem : undefined}
        onCancel={signIn ? undefined : () => setChanging(false)}
        onSession={onSession}
      />
    );
  }

  const change = (next: Conditions) => {
    setCursors([]);
    onConditions(next);
  };
  const turn = (next: string[]) => {
    setCursors(next);
    heading.current?.focus();
    heading.current?.scrollIntoView({ block: "start" });
  };

  return (
    <>
      <header className="bar">
        <div className="bar-inside">
          <div className="bar-title">
            <h1 ref={heading} tabIndex={-1}>
              Team
            </h1>
            <p className="who">{answer?.roles?.[0]?.account.email ?? session.account?.email}</p>
          </div>
          <button type="button" className="quiet" onClick={() => setChanging(true)}>
            Account
          </button>
        </div>
      </header>
      <main>
        <Filters conditions={conditions} roles={answer?.roles ?? []} onChange={change} />
        {team && (
          <div className="summary">
            <div>
              <p role="status">
                {people(team.totalCount)}
                {answer?.online && `, ${answer.online.totalCount} online`}
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
              dimmed={shown === undefined}
              filtered={conditions !== everybody}
              onEverybody={() => change(everybody)}
            />
            <Pages
              page={cursors.length + 1}
              pages={Math.max(1, Math.ceil(team.totalCount / PAGE))}
              onPrevious={cursors.length > 0 ? () => turn(cursors.slice(0, -1)) : undefined}
              onNext={nextOf(team, (cursor) => turn([...cursors, cursor]))}
            />
          </>
        ) : problem ? (
          <ProblemPanel
            problem={problem}
            // From the first page: a cursor can be what was wrong.
            onAgain={() => (cursors.length > 0 ? setCursors([]) : void refetch())}
            onAccount={() => setChanging(true)}
          />
        ) : (
          <MemberListLoading />
        )}
      </main>
    </>
  );
}

function nextOf(team: NonNullable<TeamQuery["teamMembers"]>, turn: (cursor: string) => void) {
  const { hasNextPage, endCursor } = team.pageInfo;
  return hasNextPage && endCursor ? () => turn(endCursor) : undefined;
}

function people(count: number): string {
  return count === 1 ? "1 person" : `${count.toLocaleString("en")} people`;
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
