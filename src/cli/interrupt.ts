/**
 * Ctrl-C and a polite kill: what was started is ended first, then the signal does what it always does, so
 * that the shell sees how we ended. A second signal does not wait for the first one's clean-up.
 */
/** May return a promise; it is awaited. */
type CleanUp = () => unknown;

const signals = ['SIGINT', 'SIGTERM'] as const;
/** A signal that comes sooner after the first is the same one: npm sends what the terminal has sent already. */
const AGAIN_MS = 1000;
const cleanUps = new Set<CleanUp>();

/**
 * Calls `cleanUp` when the process is asked to end.
 * @returns takes the wish back; call it when there is nothing left to clean up
 */
export function onInterrupt(cleanUp: CleanUp): () => void {
  if (cleanUps.size === 0) for (const signal of signals) process.on(signal, interrupted);
  const wish: CleanUp = () => cleanUp(); // one of its own, should the same function be given twice
  cleanUps.add(wish);
  return () => {
    if (cleanUps.delete(wish) && cleanUps.size === 0) stopListening();
  };
}

/** Awaits `work`; when the process is asked to end, its signal aborts, and the process waits for it to settle. */
export async function abortable(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const abort = new AbortController();
  const done = work(abort.signal);
  const noLongerWanted = onInterrupt(() => {
    abort.abort();
    return done;
  });
  try {
    await done;
  } finally {
    noLongerWanted();
  }
}

/** For what runs until it is asked to end: that is its end, not an interruption. Another signal, later, does what it always does. */
export function untilAskedToEnd(): Promise<void> {
  return new Promise((resolve) => {
    const asked = (): void => {
      resolve();
      setTimeout(() => {
        for (const signal of signals) process.off(signal, asked);
      }, AGAIN_MS).unref();
    };
    for (const signal of signals) process.on(signal, asked);
  });
}

function interrupted(signal: NodeJS.Signals): void {
  stopListening();
  const wishes = [...cleanUps];
  cleanUps.clear();
  void Promise.allSettled(wishes.map(async (wish) => wish())).then((outcomes) => {
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') {
        process.stderr.write(`flatview: clean-up after ${signal} failed: ${String(outcome.reason)}\n`);
      }
    }
    process.kill(process.pid, signal);
  });
}

function stopListening(): void {
  for (const signal of signals) process.off(signal, interrupted);
}
