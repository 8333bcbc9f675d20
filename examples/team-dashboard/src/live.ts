// The team as it changes: the members that changed go into the cache by their ids, and the page asks again for what depends on
// all of them, which costs Flowmatix nothing.

import { useSubscription } from "@apollo/client/react";
import { useEffect, useRef } from "react";

import { liveQuery } from "./queries.ts";
import type { Session } from "./session.ts";

/** How long to wait before a stream that has ended is begun again. */
const AGAIN = 2_000;

interface Options {
  account: Session["account"];
  /** Whether there is a team to watch. */
  watch: boolean;
  onChange: () => void;
}

export function useLiveTeam({ account, watch, onChange }: Options) {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const { restart } = useSubscription(liveQuery, {
    variables: { account },
    skip: !watch,
    ignoreResults: true,
    onData: ({ data: { data } }) => {
      // Also for the first event: its team may be newer than what the page was answered.
      if (data?.teamChanges) onChange();
    },
    onError: () => again(),
    onComplete: () => again(),
  });

  function again() {
    clearTimeout(timer.current);
    timer.current = setTimeout(restart, AGAIN);
  }

  useEffect(() => () => clearTimeout(timer.current), []);
}
