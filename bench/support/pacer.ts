/**
 * Calls a function so many times a second from the thread that has the event loop, in bursts of about a
 * millisecond. Waits too short for a timer are spun, the others slept: the rate is even. What a slow stretch left
 * undone is made up for as soon as it can be. Time between rest() and start() does not count.
 */
const BURST_MS = 1;
/** A sleep may take this much longer than asked. */
const SLEEP_SLACK_MS = 0.2;

export class Pacer {
  /** Calls that did what they should. */
  calls = 0;
  private readonly call: () => boolean;
  private readonly perMs: number;
  private readonly bed = new Int32Array(new SharedArrayBuffer(4));
  private startMs = 0;
  /** Before startMs. */
  private activeMs = 0;

  /**
   * @param perSecond Infinity: as often as it goes
   * @param call false if it could not: the burst ends, and it is called again in the next
   */
  constructor(perSecond: number, call: () => boolean) {
    this.perMs = perSecond / 1000;
    this.call = call;
  }

  /** Calls a second, over all the time between start() and rest(). */
  get perSecond(): number {
    return this.activeMs === 0 ? 0 : (1000 * this.calls) / this.activeMs;
  }

  start(): void {
    this.startMs = performance.now();
  }

  rest(): void {
    this.activeMs += performance.now() - this.startMs;
  }

  burst(): void {
    const end = performance.now() + BURST_MS;
    for (let now = performance.now(); now < end; now = performance.now()) {
      const dueMs = this.startMs + (this.calls + 1) / this.perMs - this.activeMs;
      if (dueMs > now) {
        const sleepMs = Math.min(dueMs, end) - now - SLEEP_SLACK_MS;
        if (this.perMs > 0 && sleepMs > 0) Atomics.wait(this.bed, 0, 0, sleepMs);
        continue;
      }
      if (!this.call()) return;
      this.calls += 1;
    }
  }
}
