// Asks again when the service says when. Apollo's RetryLink sees only requests that got no answer; this one reads answers.

import { ApolloLink, Observable } from "@apollo/client";
import { mergeMap, of, timer } from "rxjs";

import { retryAfterSeconds } from "./errors.ts";

/** Longer waits are for the page to tell, not for a query to sit out. */
const PATIENCE_SECONDS = 5;

export class RetryAfterLink extends ApolloLink {
  constructor(attempts = 3) {
    super((operation, forward) => {
      const ask = (left: number): Observable<ApolloLink.Result> =>
        forward(operation).pipe(
          mergeMap((result) => {
            const seconds = retryAfterSeconds(result.errors ?? []);
            const answered = Object.entries(result.data ?? {}).some(([name, field]) => name !== "__typename" && field !== null);
            if (seconds === undefined || seconds > PATIENCE_SECONDS || answered || left <= 1) return of(result);
            return timer(seconds * 1000).pipe(mergeMap(() => ask(left - 1)));
          }),
        );
      return ask(attempts);
    });
  }
}
