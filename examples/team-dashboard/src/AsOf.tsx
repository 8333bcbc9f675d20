// How old the list is: a quiet line while it is fresh, a notice when it is not.

export function AsOf({ fetchedAt }: { fetchedAt: string }) {
  return (
    <p className="as-of">
      As of <time dateTime={fetchedAt}>{clock(fetchedAt)}</time>
    </p>
  );
}

export function StaleNotice({ fetchedAt, reason }: { fetchedAt: string; reason: string | undefined }) {
  return (
    <p className="stale" role="alert">
      <strong>
        As of <time dateTime={fetchedAt}>{clock(fetchedAt)}</time>.
      </strong>{" "}
      {reason ?? "Flowmatix gives no newer list right now"}. This is the last one; the page keeps trying.
    </p>
  );
}

/** The time of day; with its day where that is not today. */
function clock(moment: string): string {
  const date = new Date(moment);
  const today = date.toDateString() === new Date().toDateString();
  return date.toLocaleString([], { ...(!today && { dateStyle: "medium" }), timeStyle: "short" });
}
