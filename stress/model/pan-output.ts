/** What a verifier that Spin generated printed, read as a verdict. */

export interface PanReport {
  /** What it found wrong: `assertion violated …`, `acceptance cycle`, `invalid end state`; null for nothing. */
  readonly violation: string | null;
  /** Null if every state was visited; otherwise why not. It says nothing where something was found wrong. */
  readonly truncated: string | null;
  readonly states: number;
  readonly depth: number;
}

/** Complaints with which the search goes on or ends, and leaves states out. */
const LIMITS: readonly (readonly [RegExp, string])[] = [
  [/max search depth too small/, 'the search was not deep enough'],
  [/reached -DMEMLIM bound|out of memory/, 'the search ran out of memory'],
  [/^Warning: Search (?:not completed|incomplete)/m, 'the search was not completed'],
];

export function parsePan(text: string): PanReport {
  const violation = /^pan:\d+: (.*?)\s*\(at depth \d+\)/m.exec(text)?.[1] ?? null;
  const limit = LIMITS.find(([pattern]) => pattern.test(text))?.[1] ?? null;
  const summary = /^State-vector .*depth reached (\d+).*errors: (\d+)/m.exec(text);
  const isFull = /^Full statespace search for:/m.test(text);
  const states = /^\s*(\d+(?:\.\d+)?(?:e\+\d+)?) states, stored/m.exec(text)?.[1];
  const error = /^pan: error: (.*)$/m.exec(text)?.[1];
  const whyNot = error ?? (summary === null || !isFull ? 'the search did not end' : null);
  return {
    violation: violation ?? (Number(summary?.[2] ?? 0) > 0 ? 'an error without a name' : null),
    truncated: limit ?? whyNot,
    states: Number(states ?? 0),
    depth: Number(summary?.[1] ?? 0),
  };
}

/** `proc 3 (reader:1) grace.pml:75 (state 4) [loaded[slot] = 0]` of a trail as `reader 3, line 75: loaded[slot] = 0`. */
export function condensedTrail(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const step = /proc\s+(\d+) \((.+?):\d+\) \S+?:(\d+) \(state -?\d+\)\s+\[(.*)\]\s*$/.exec(line);
    if (step !== null) return [`${step[2]} ${step[1]}, line ${step[3]}: ${step[4]}`];
    return /START OF CYCLE/.test(line) ? ['and so on for ever:'] : [];
  });
}
