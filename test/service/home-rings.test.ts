import { expect, test } from 'vitest';
import { fullAccessRules } from '../../src/base/access-rules.ts';
import { RING_STATE, takesWrites } from '../../src/layout/coalesced-ring.ts';
import { accessIsWrite, accessSize } from '../../src/layout/mailbox.ts';
import { CoalescedRing, createRing, openRing } from '../../src/mailbox/coalesced-ring.ts';
import { HomeRings } from '../../src/service/home-rings.ts';
import { DeviceHandler, ReentrancyGuard } from '../../src/vcpu/device-handler.ts';

test('a home replays each ring to its device, but not while the owner is being accessed', () => {
  const performed: unknown[] = [];
  const rings = new HomeRings((slot, device, offset, access, valueLo) => {
    performed.push([slot, device, offset, accessIsWrite(access), accessSize(access), valueLo]);
  });
  const guards = [new ReentrancyGuard(), new ReentrancyGuard()];
  const ends = guards.map((guard, device) => {
    const callbacks = { read: () => 0, write: () => {} };
    const handled = { device, regionName: 'd', callbacks, rules: fullAccessRules(), guard };
    const ring = new CoalescedRing(createRing());
    openRing(ring.words);
    expect(ring.queue(3, 8, 4, device, 0, 0)).toBe(false); // nobody would replay it
    rings.add(device, new DeviceHandler(handled, 0, () => {}), ring.words.buffer);
    expect([takesWrites(ring.words[RING_STATE]!), ring.queue(3, 8, 4, device, 0, 0)]).toEqual([true, true]);
    return ring;
  });
  guards[1]!.engaged = true;
  rings.replayAll();
  expect([performed, ends[1]!.isEmpty]).toEqual([[[3, 0, 8, true, 4, 0]], false]);
  guards[1]!.engaged = false;
  rings.replayAll();
  expect([performed[1], ends[1]!.isEmpty]).toEqual([[3, 1, 8, true, 4, 1], true]);
});
