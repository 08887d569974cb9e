/** The histogram that counts by itself prints what prom-client's own prints. */
import { Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { BOUNDS_SECONDS, LatencyMetric } from '../../src/http/latency-metric.ts';

const HELP = 'times of "something"';

test.each<[string, readonly number[]]>([
  ['nothing', []],
  ['times between the bounds, and past all', [0, 0.004, 0.02, 0.3, 0.30001, 7, 499, 5001, 1e9]],
  ['the bounds themselves', BOUNDS_SECONDS.map((seconds) => seconds * 1000)],
])('of %s', async (_what, times) => {
  const own = new Registry();
  const metric = new LatencyMetric('times_seconds', HELP);
  own.registerMetric(metric.registered);
  const known = new Registry();
  const histogram = new Histogram({
    ...{ name: 'times_seconds', help: HELP, registers: [known], buckets: [...BOUNDS_SECONDS] },
  });
  for (const milliseconds of times) {
    metric.observe(milliseconds);
    histogram.observe(milliseconds / 1000);
  }
  expect(await own.metrics()).toBe(await known.metrics());
});
