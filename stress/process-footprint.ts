/** What this process holds: memory, handles, threads. Read between scenarios, so that what one left behind shows. */
import { readFileSync } from 'node:fs';

export interface Footprint {
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** Of ArrayBuffers and SharedArrayBuffers, as V8 knows them. */
  readonly arrayBufferBytes: number;
  /** What keeps the event loop alive, or could. */
  readonly handles: number;
  /** Null where the system does not tell. */
  readonly threads: number | null;
}

/** Collects garbage first, where Node was started with --expose-gc. */
export function footprint(): Footprint {
  globalThis.gc?.();
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return {
    rssBytes: rss,
    heapBytes: heapUsed,
    arrayBufferBytes: arrayBuffers,
    handles: process.getActiveResourcesInfo().length,
    threads: threadCount(),
  };
}

export const footprintText = ({ rssBytes, heapBytes, handles, threads }: Footprint): string =>
  `RSS ${mebibytes(rssBytes)}, heap ${mebibytes(heapBytes)}, ${handles} handles` +
  `${threads === null ? '' : `, ${threads} threads`}`;

const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;

function threadCount(): number | null {
  try {
    return Number(/^Threads:\s+(\d+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? Number.NaN);
  } catch {
    return null; // not Linux
  }
}
