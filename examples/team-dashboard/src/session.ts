// Who asks, for whose team. It lives in this page's memory and nowhere else: a reload forgets it.

import type { UserType } from "./gql/graphql.ts";

export interface Session {
  /** The Flowmatix access token, or the key, that the service wants; empty where it wants none. */
  token: string;
  /** The account whose team is shown; the service's own default where there is none. */
  account?: { email: string; type: UserType };
}
