/** What a vCPU writes of a history, and what is read of it. */
import { expect, test } from 'vitest';
import { eventsIn, Recorder } from '../../stress/linearizability/history.ts';

test('a recorder writes what is read back from its words, until they are full', () => {
  const words = new Int32Array(new SharedArrayBuffer(4 * 100));
  const recorder = new Recorder(words);
  const place = { space: 1, address: 2 ** 32 + 0x8000_0000, result: 2, oldest: 3, newest: 4 };
  recorder.checkpoint(1, 2);
  expect(recorder.isFull).toBe(false);
  recorder.read(place, 8, 0x04030201, -1);
  recorder.write({ ...place, address: 8 }, 2, 7, [
    [5, 6],
    [7, 8],
  ]);
  expect(recorder.isFull).toBe(false);
  recorder.hold(1);
  recorder.copy(place, false, Uint8Array.of(9, 0, 8));
  recorder.copy(place, true, Uint8Array.of(7));
  expect(recorder.isFull).toBe(true);
  expect(eventsIn(words)).toEqual([
    { kind: 'checkpoint', oldest: 1, newest: 2 },
    { kind: 'read', ...place, bytes: [1, 2, 3, 4, 255, 255, 255, 255] },
    {
      kind: 'write',
      ...place,
      address: 8,
      size: 2,
      made: 7,
      landed: [
        [5, 6],
        [7, 8],
      ],
    },
    { kind: 'hold', space: 1 },
    { kind: 'copy', ...place, bytes: [9, 0, 8] },
    { kind: 'held copy', ...place, bytes: [7] },
  ]);
  recorder.clear();
  expect(eventsIn(words)).toEqual([]);
});
