// An error's code → what the page says, and the way out that it offers.

import type { GraphQLFormattedError } from "graphql";

import { codeOf, graphqlErrors, retryAfterSeconds } from "./apollo/errors.ts";

export interface Problem {
  title: string;
  text: string;
  /** Sign in (anew), choose another account, ask again, or wait: the page asks again by itself. */
  wayOut: "sign in" | "account" | "again" | "wait";
}

const problems: Record<string, Problem> = {
  UNAUTHENTICATED: { title: "Sign in", text: "The team is shown to whoever has an access token.", wayOut: "sign in" },
  UPSTREAM_UNAUTHENTICATED: {
    title: "Your access token is no longer accepted",
    text: "It has expired or was revoked. Paste a new one to go on where you were.",
    wayOut: "sign in",
  },
  UPSTREAM_FORBIDDEN: {
    title: "This token does not open that account",
    text: "Choose another account, or use a token that may read this one.",
    wayOut: "account",
  },
  FORBIDDEN: { title: "You may not read that account", text: "Choose one that is yours.", wayOut: "account" },
  ACCOUNT_REQUIRED: { title: "Whose team?", text: "Name the account whose team you want to see.", wayOut: "account" },
  UPSTREAM_REJECTED: { title: "Flowmatix does not know that account", text: "Check its e-mail address and type.", wayOut: "account" },
  UPSTREAM_UNAVAILABLE: { title: "Flowmatix is not answering", text: "The team appears as soon as it does.", wayOut: "again" },
  UPSTREAM_TIMEOUT: { title: "Flowmatix is slow to answer", text: "The team appears as soon as it does.", wayOut: "again" },
  UPSTREAM_BAD_RESPONSE: { title: "Flowmatix gave no usable answer", text: "The team appears as soon as it does.", wayOut: "again" },
  UPSTREAM_RATE_LIMITED: { title: "Flowmatix wants a pause", text: "This hour's calls are used up.", wayOut: "wait" },
  REQUEST_RATE_LIMITED: { title: "Too many requests", text: "The service wants a pause.", wayOut: "wait" },
  AUTHENTICATION_UNAVAILABLE: { title: "Nobody can sign in right now", text: "Tokens cannot be checked.", wayOut: "wait" },
  REQUEST_CONCURRENCY_LIMITED: { title: "The service is busy", text: "It wants a pause.", wayOut: "wait" },
  REQUEST_TIMEOUT: { title: "The answer took too long", text: "Try again.", wayOut: "again" },
  BAD_USER_INPUT: { title: "That cannot be shown", text: "The service did not take these conditions.", wayOut: "again" },
};

const unreachable: Problem = { title: "The service cannot be reached", text: "Check your connection.", wayOut: "again" };
const unknown: Problem = { title: "Something went wrong", text: "The service could not answer this page.", wayOut: "again" };

/** What went wrong with the team, if anything did; a field inside it that failed is no problem of the whole. */
export function problemOf(error: unknown): Problem | undefined {
  if (!error) return undefined;
  const errors = graphqlErrors(error);
  if (errors.length === 0) return unreachable;
  const whole = errors.filter((one) => (one.path?.length ?? 0) <= 1);
  const first = whole[0];
  if (!first) return undefined;
  const problem = problems[codeOf(first)] ?? unknown;
  const seconds = retryAfterSeconds(whole);
  return seconds === undefined ? problem : { ...problem, text: `${problem.text} It can go on in ${duration(seconds)}.` };
}

/** Whether contact data was left out because this caller may not read it. */
export function contactIsHidden(error: unknown): boolean {
  const hidden = (one: GraphQLFormattedError) => codeOf(one) === "FORBIDDEN" && one.path?.at(-1) === "contact";
  return graphqlErrors(error).some(hidden);
}

function duration(seconds: number): string {
  const [count, unit] = seconds < 90 ? [Math.ceil(seconds), "second"] : [Math.ceil(seconds / 60), "minute"];
  return new Intl.NumberFormat("en", { style: "unit", unit, unitDisplay: "long" }).format(count as number);
}
