// What is looked at, in the page's address: Back, a reload and a link that is passed on show the same people. Whose team it is
// stays out of it: an account is an e-mail address, and belongs to the session.

import { useCallback, useEffect, useState } from "react";

import { type Conditions, everybody, isOrder } from "./Filters.tsx";

export interface View extends Conditions {
  page: number;
  /** The cursor that the page begins after, or ends before; the first page has neither. */
  after?: string;
  before?: string;
}

export const start: View = { ...everybody, page: 1 };

export function read(query: string): View {
  const from = new URLSearchParams(query);
  const text = (name: string) => from.get(name) ?? "";
  const order = text("order");
  const conditions: Conditions = {
    search: text("search"),
    roleId: text("role"),
    onlineOnly: from.has("online"),
    order: isOrder(order) ? order : everybody.order,
  };
  const [after, before] = [text("after"), text("before")];
  const page = Math.floor(Number(text("page")));
  // A number without a cursor leads nowhere.
  if (!(page > 1) || !(after || before)) return { ...conditions, page: 1 };
  return { ...conditions, page, ...(after ? { after } : { before }) };
}

export function write(view: View): string {
  const to = new URLSearchParams();
  if (view.search) to.set("search", view.search);
  if (view.roleId) to.set("role", view.roleId);
  if (view.onlineOnly) to.set("online", "1");
  if (view.order !== everybody.order) to.set("order", view.order);
  if (view.page > 1) to.set("page", String(view.page));
  if (view.after) to.set("after", view.after);
  if (view.before) to.set("before", view.before);
  return to.size > 0 ? `?${to}` : location.pathname;
}

/** What the address says, and how to go elsewhere. */
export function useAddress(): [View, (view: View) => void] {
  const [view, setView] = useState(() => read(location.search));
  useEffect(() => {
    const back = () => setView(read(location.search));
    addEventListener("popstate", back);
    return () => removeEventListener("popstate", back);
  }, []);
  const go = useCallback((next: View) => {
    const shown = read(location.search);
    // Each letter of a search is no place to come back to; the list before the search is.
    const typing = next.page === 1 && shown.search !== "" && next.search !== "" && next.search !== shown.search;
    if (write(next) !== write(shown)) history[typing ? "replaceState" : "pushState"](null, "", write(next));
    setView(next);
  }, []);
  return [view, go];
}
