/** Readers under churn, and a long run of publications: that they do what their rows say. No timing. */
import { describe, expect, test } from 'vitest';
import { churnedMix, MOVED_BAR, measureChurned } from '../../bench/churn.ts';
import { publishMany } from '../../bench/million.ts';
import { BAR_BYTES, BARS_START } from '../../bench/support/mix.ts';
import { PacedVcpus } from '../../bench/support/paced-vcpus.ts';
import { Pacer } from '../../bench/support/pacer.ts';
import { expectedSum, type Stream } from '../../bench/support/stream.ts';

/** The stream without the addresses of the BAR that moves. */
function besidesMovedBar({ his, los, indices, words }: Stream): Stream {
  const kept = Array.from(los.keys()).filter((i) => {
    const offset = (los[i]! >>> 0) - BARS_START;
    return his[i] !== 0 || offset < 0 || offset >= BAR_BYTES;
  });
  const pick = (from: Int32Array): Int32Array<SharedArrayBuffer> => {
    const picked = new Int32Array(new SharedArrayBuffer(4 * kept.length));
    kept.forEach((index, i) => {
      picked[i] = from[index]!;
    });
    return picked;
  };
  return { his: pick(his), los: pick(los), indices: pick(indices), words };
}

describe('readers of the mix', () => {
  test(`find every word beside ${MOVED_BAR} while it moves, and all when it is home again`, async () => {
    const { plan, move, settle } = churnedMix();
    const stream = besidesMovedBar(plan.stream);
    expect(plan.stream.los.length - stream.los.length).toBeGreaterThan(0);
    const vcpus = await PacedVcpus.start({ ...plan, stream });
    const pacer = new Pacer(Number.POSITIVE_INFINITY, move);
    while (pacer.calls < 100) {
      await vcpus.turn(pacer);
      expect(vcpus.sums).toEqual([expectedSum(stream)]);
    }
    settle();
    await vcpus.close();
  });

  test('find all words in quiet', async () => {
    const { plan } = churnedMix();
    const vcpus = await PacedVcpus.start({ ...plan, rounds: 1 });
    await vcpus.turn();
    expect(vcpus.sums).toEqual([expectedSum(plan.stream)]);
    await vcpus.close();
  });

  test.each([0, 100])(
    'are measured at %d publications a second, with the rate that was reached',
    async (rate) => {
      const { figures, threads } = await measureChurned(rate);
      expect(threads).toBe(2);
      expect(figures).toMatchObject({ askedPerSecond: rate, throughputOfQuiet: expect.any(Number) });
      const { publicationsPerSecond = 0, rateMissedBy } = figures ?? {};
      expect(publicationsPerSecond).toBeLessThanOrEqual(1.1 * rate);
      // Either it kept the pace or it says by how much it did not.
      expect(rateMissedBy ?? 0).toBeCloseTo(
        rate === 0 || rateMissedBy === undefined ? 0 : 1 - publicationsPerSecond / rate,
        1,
      );
    },
  );
});

describe('a pacer', () => {
  test('makes no more calls than the rate allows, and makes up for a slow one', () => {
    let slow = true;
    const pacer = new Pacer(1000, () => {
      for (const end = performance.now() + (slow ? 5 : 0); performance.now() < end; );
      slow = false;
      return true;
    });
    const start = performance.now();
    pacer.start();
    while (pacer.calls < 10) pacer.burst();
    pacer.rest();
    expect(performance.now() - start).toBeGreaterThan(9);
    expect(pacer.perSecond).toBeLessThanOrEqual(1000);
  });

  test('ends the burst at a call that could not, and does not count it', () => {
    let calls = 0;
    const pacer = new Pacer(Number.POSITIVE_INFINITY, () => {
      calls += 1;
      return false;
    });
    pacer.start();
    pacer.burst();
    expect([calls, pacer.calls]).toEqual([1, 0]);
  });
});

describe('a long run', () => {
  test('leaves in the arena what was there after its first publications', async () => {
    const { marks, commits } = await publishMany([200, 1000]);
    expect(marks.map(({ publications }) => publications)).toEqual([200, 1000]);
    expect(commits.count).toBe(1000);
    expect(marks[1]!.arenaLiveBytes).toBe(marks[0]!.arenaLiveBytes);
    expect(marks[1]!.arenaHighWaterBytes).toBeLessThanOrEqual(66 * marks[0]!.arenaLiveBytes);
  });
});
