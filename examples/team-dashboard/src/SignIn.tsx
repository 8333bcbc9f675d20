// The way in, and back in: an access token, and whose team it is for.

import type { FormEvent } from "react";

import type { UserType } from "./gql/graphql.ts";
import type { Problem } from "./problem.ts";
import type { Session } from "./session.ts";

interface Props {
  session: Session;
  /** Why it is asked for; none where the person wants to change the account. */
  reason: Problem | undefined;
  onCancel: (() => void) | undefined;
  onSession: (session: Session) => void;
}

export function SignIn({ session, reason, onCancel, onSession }: Props) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name)).trim();
    const email = text("email");
    const account = email ? { email, type: text("type") as UserType } : undefined;
    onSession({ token: text("token"), account });
  };
  return (
    <main className="sign-in">
      <form className="panel" onSubmit={submit}>
        <h1>{reason?.title ?? "Switch account"}</h1>
        <p role={reason && session.token ? "alert" : undefined}>{reason?.text ?? "Choose whose team you want to see."}</p>
        <label className="field">
          <span>Access token</span>
          <input
            name="token"
            type="password"
            autoComplete="off"
            spellCheck={false}
            autoFocus={reason !== undefined}
            required={reason !== undefined}
            defaultValue={reason ? "" : session.token}
            aria-describedby="token-hint"
          />
        </label>
        <p className="hint" id="token-hint">
          Kept in this page’s memory only: a reload forgets it.
        </p>
        <fieldset>
          <legend>Account</legend>
          <label className="field">
            <span>E-mail address</span>
            <input
              name="email"
              type="email"
              autoComplete="off"
              autoFocus={reason === undefined}
              defaultValue={session.account?.email}
              aria-describedby="account-hint"
            />
          </label>
          <label className="field">
            <span>User type</span>
            <select name="type" defaultValue={session.account?.type ?? "CUSTOMER"}>
              <option value="CUSTOMER">Customer</option>
              <option value="CUSTOM_USER">Custom user</option>
              <option value="AGENT">Agent</option>
            </select>
          </label>
          <p className="hint" id="account-hint">
            Without an address, the service’s own default account is read.
          </p>
        </fieldset>
        <div className="actions">
          <button type="submit">Show the team</button>
          {onCancel && (
            <button type="button" className="quiet" onClick={onCancel}>
              Cancel
            </button>
          )}
          {onCancel && session.token && (
            <button type="button" className="quiet" onClick={() => onSession({ token: "" })}>
              Sign out
            </button>
          )}
        </div>
      </form>
    </main>
  );
}
