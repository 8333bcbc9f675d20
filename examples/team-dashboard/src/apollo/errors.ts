// What went wrong, by the codes of docs/errors.md.

import { CombinedGraphQLErrors } from "@apollo/client/errors";
import type { GraphQLFormattedError } from "graphql";

/** The service's errors in whatever a query failed with; none where the service did not answer at all. */
export function graphqlErrors(error: unknown): readonly GraphQLFormattedError[] {
  return CombinedGraphQLErrors.is(error) ? error.errors : [];
}

export function codeOf(error: GraphQLFormattedError): string {
  return typeof error.extensions?.code === "string" ? error.extensions.code : "";
}

/** For how many seconds the service asks to be left alone. */
export function retryAfterSeconds(errors: readonly GraphQLFormattedError[]): number | undefined {
  const waits = errors.map((error) => error.extensions?.retryAfterSeconds).filter((wait) => typeof wait === "number");
  return waits.length > 0 ? Math.max(...waits) : undefined;
}
