/** What a process has taken of the system, as far as it can be seen from inside. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { sharedMemory } from '../../src/base/shared-memory.ts';

export interface Footprint {
  /** JavaScript's heap, after garbage collection. */
  readonly heapBytes: number;
  /** Active handles and requests, of all types. */
  readonly handles: number;
  readonly threads: number;
  /** Open files, pipes and sockets. */
  readonly files: number;
  readonly sharedBuffers: number;
  readonly sharedBytes: number;
  /** Address space of the process: shared buffers are in it whoever holds them, in whatever thread. */
  readonly virtualBytes: number;
}

/** V8 gives the function away also without --expose-gc. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
const collectGarbage = collector();

/** A figure of /proc/self/status; 0 on systems that have none. */
function fromStatus(name: string): number {
  try {
    return Number(
      new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0,
    );
  } catch {
    return 0;
  }
}

function openFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}

function measure(): Footprint {
  const { buffers, bytes } = sharedMemory();
  return {
    heapBytes: process.memoryUsage().heapUsed,
    handles: process.getActiveResourcesInfo().filter((type) => type !== 'Timeout' && type !== 'Immediate')
      .length,
    threads: fromStatus('Threads'),
    files: openFiles(),
    sharedBuffers: buffers,
    sharedBytes: bytes,
    virtualBytes: fromStatus('VmSize') * 1024,
  };
}

/** Collections, with turns of the event loop in between for what is told of them, until no figure falls any more. */
const TURNS_MAX = 40;
const TURN_MS = 50;
const QUIET_TURNS = 4;

/** What is left when all that can go has gone. */
export async function settledFootprint(): Promise<Footprint> {
  let last = measure();
  for (let turn = 0, quiet = 0; turn < TURNS_MAX && quiet < QUIET_TURNS; turn += 1) {
    collectGarbage();
    await pause(TURN_MS);
    const now = measure();
    const falls = (Object.keys(now) as (keyof Footprint)[]).some((figure) => now[figure] < last[figure]);
    quiet = falls ? 0 : quiet + 1;
    last = now;
  }
  return last;
}

/** How far each figure may be above that of before, for what the engine itself keeps. */
export interface Allowance {
  readonly heapBytes: number;
  readonly virtualBytes: number;
}

/** What is more than it was, in words; empty where nothing leaks. */
export function leaksBetween(before: Footprint, after: Footprint, allowance: Allowance): string[] {
  return (Object.keys(before) as (keyof Footprint)[]).flatMap((figure) => {
    const allowed = figure === 'heapBytes' || figure === 'virtualBytes' ? allowance[figure] : 0;
    const more = after[figure] - before[figure];
    return more > allowed ? [`${figure}: ${before[figure]} before, ${after[figure]} after`] : [];
  });
}
