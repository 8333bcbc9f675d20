// Page by page, forth and back.

import { count } from "./words.ts";

interface Props {
  page: number;
  pages: number;
  onPrevious: (() => void) | undefined;
  onNext: (() => void) | undefined;
}

export function Pages({ page, pages, onPrevious, onNext }: Props) {
  if (pages === 1 && page === 1) return null;
  return (
    <nav className="pages" aria-label="Pages">
      <button type="button" disabled={!onPrevious} onClick={onPrevious}>
        Previous
      </button>
      <p aria-live="polite">
        Page {count(page)} of {count(pages)}
      </p>
      <button type="button" disabled={!onNext} onClick={onNext}>
        Next
      </button>
    </nav>
  );
}
