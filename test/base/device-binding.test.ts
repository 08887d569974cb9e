import { describe, expect, test } from 'vitest';
import { type DeviceLocking, localDevice } from '../../src/base/device-binding.ts';

describe('the lock of a worker-local device', () => {
  test.each<[DeviceLocking | undefined, DeviceLocking]>([
    [undefined, 'shared'],
    ['shared', 'shared'],
    ['own', 'own'],
    ['none', 'none'],
  ])('%s: %s', (lock, expected) => {
    expect(localDevice('file:///device.mjs', lock === undefined ? {} : { lock }).lock).toBe(expected);
  });

  test.each<[unknown, string]>([
    ['mine', "'mine'"],
    ['', "''"],
    [true, 'true'],
    [{}, 'an object'],
  ])('%o is refused, and the message names what there is', (lock, shown) => {
    expect(() => localDevice('file:///device.mjs', { lock: lock as DeviceLocking })).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining(`a device's lock is 'shared', 'own' or 'none', not ${shown}`),
      }),
    );
  });
});
