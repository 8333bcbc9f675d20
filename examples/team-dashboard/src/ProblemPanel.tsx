// No team to show: why, and the way out.

import type { Problem } from "./problem.ts";

interface Props {
  problem: Problem;
  onAgain: () => void;
  onAccount: () => void;
}

export function ProblemPanel({ problem, onAgain, onAccount }: Props) {
  return (
    <section className="panel" role="alert">
      <h2>{problem.title}</h2>
      <p>{problem.text}</p>
      <div className="actions">
        {problem.wayOut === "account" && (
          <button type="button" onClick={onAccount}>
            Choose another account
          </button>
        )}
        <button type="button" className={problem.wayOut === "account" ? "quiet" : undefined} onClick={onAgain}>
          Try again
        </button>
      </div>
    </section>
  );
}
