/** One measurement over HTTP: a target, asked for some seconds by autocannon over some connections. */
import autocannon from 'autocannon';
import type { Target } from './targets.ts';

export interface Load {
  readonly connections: number;
  /** Requests that a connection sends before it waits for an answer. */
  readonly pipelining: number;
  readonly seconds: number;
}

export interface Measured {
  readonly requestsPerSecond: number;
  readonly accessesPerSecond: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly non2xx: number;
  /** Connections that failed, requests that timed out. */
  readonly errors: number;
}

/** @param url of this computer: nobody else's service is put under load */
export async function measure(url: string, target: Target, load: Load): Promise<Measured> {
  if (new URL(url).hostname !== '127.0.0.1') throw new Error(`${url} is not on this computer`);
  const { method, body, accesses } = target;
  const { connections, pipelining, seconds } = load;
  const result = await autocannon({
    ...{ url, method, connections, pipelining, duration: seconds },
    ...(body !== null && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const requestsPerSecond = Math.round(result.requests.total / result.duration);
  const { p50, p90, p99, max } = result.latency;
  return {
    requestsPerSecond,
    accessesPerSecond: requestsPerSecond * accesses,
    ...{ p50Ms: p50, p90Ms: p90, p99Ms: p99, maxMs: max },
    ...{ non2xx: result.non2xx, errors: result.errors + result.timeouts },
  };
}
