/** Whom a thread waits for before an access that flushes, and whom it only rings. */
import { beforeEach, describe, expect, test } from 'vitest';
import { fullAccessRules } from '../../src/base/access-rules.ts';
import { MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { GraceReader } from '../../src/grace/reader.ts';
import type { AttachedDevice } from '../../src/layout/attachments.ts';
import {
  createControlBlock,
  deviceHostWord,
  type SharedWords,
  WORD_DEVICE_LOCK,
} from '../../src/layout/control-block.ts';
import { DEVICE_HOST_ALIVE, DEVICE_HOST_DOORBELL, doorbellBit } from '../../src/layout/mailbox.ts';
import { CoalescedRing, createRing, openRing, serveRing } from '../../src/mailbox/coalesced-ring.ts';
import { DeviceTable } from '../../src/vcpu/device-table.ts';
import { ReaderSession } from '../../src/vcpu/reader-session.ts';
import type { DeviceHome } from '../../src/vcpu/route-loader.ts';

const SLOT = 2;
const HOST = 1;
const REMOTE = 0;
const REGISTERS = 1;
let words: SharedWords;
let session: ReaderSession;

beforeEach(() => {
  words = createControlBlock();
  words[deviceHostWord(HOST) + DEVICE_HOST_ALIVE] = 1;
  session = new ReaderSession(words, new GraceReader(words, SLOT));
  session.attach();
});

const bell = (): number => words[deviceHostWord(HOST) + DEVICE_HOST_DOORBELL]!;
const common = { rules: fullAccessRules(), guard: null };
const registers = (lock: 'shared' | 'none'): AttachedDevice => ({
  ...{ ...common, placement: 'local', lock, exportName: 'registers', data: null },
  module: new URL('./modules/device.mjs', import.meta.url).href,
  state: new SharedArrayBuffer(64),
});

function newRing(): CoalescedRing {
  const ring = new CoalescedRing(createRing());
  openRing(ring.words);
  serveRing(ring.words);
  return ring;
}

/** A homed device with a ring, and registers of this thread that flush. */
function tableWith(
  home: DeviceHome | null,
  lock: 'shared' | 'none' = 'none',
): { table: DeviceTable; ring: CoalescedRing } {
  const table = new DeviceTable(words, session, () => {}, home);
  const ring = newRing();
  table.attach(REMOTE, 'remote', { ...common, placement: 'homed', host: HOST });
  table.attach(REGISTERS, 'registers', registers(lock));
  const ranges = [{ start: 0, end: 0x10 }];
  table.attachShortcuts({ kind: 'coalesced', device: REMOTE, ranges, flush: true, ring: ring.words.buffer });
  table.attachShortcuts({ kind: 'coalesced', device: REGISTERS, ranges: [], flush: true, ring: null });
  return { table, ring };
}

const worker: DeviceHome = {
  host: 5,
  handlerOf: () => {
    throw new Error('none of its devices is accessed here');
  },
  replayQueued: () => {},
};

describe('a device worker', () => {
  test('does not wait for another host before its access, but rings it', () => {
    const { table, ring } = tableWith(worker);
    table.write(REMOTE, 0, 4, 7, 0, 0);
    expect([table.result, ring.isEmpty, bell()]).toEqual([MEMTX_OK, false, 0]);
    table.write(REGISTERS, 8, 4, 1, 0, 0);
    expect([table.result, table.read(REGISTERS, 8, 4, 0), ring.isEmpty]).toEqual([MEMTX_OK, 1, false]);
    expect(bell()).toBe(doorbellBit(SLOT));
  });
});

describe('a thread that hands over what it queued', () => {
  test('rings the host, once for all writes until the next', () => {
    const { table } = tableWith(null);
    table.handOverQueued();
    expect(bell()).toBe(0);
    table.write(REMOTE, 0, 4, 7, 0, 0);
    table.handOverQueued();
    expect(bell()).toBe(doorbellBit(SLOT));
    words[deviceHostWord(HOST) + DEVICE_HOST_DOORBELL] = 0;
    table.handOverQueued();
    expect(bell()).toBe(0);
    table.replayQueued(); // what anybody queued
    expect(bell()).toBe(doorbellBit(SLOT));
  });

  test('replays a worker-local ring itself, under the lock', () => {
    const { table } = tableWith(null, 'shared');
    const ring = newRing();
    const ranges = [{ start: 0, end: 8 }];
    table.attachShortcuts({
      kind: 'coalesced',
      device: REGISTERS,
      ranges,
      flush: true,
      ring: ring.words.buffer,
    });
    table.write(REGISTERS, 4, 4, 9, 0, 0);
    expect(ring.isEmpty).toBe(false);
    table.handOverQueued();
    expect([ring.isEmpty, words[WORD_DEVICE_LOCK], table.read(REGISTERS, 4, 4, 0)]).toEqual([true, 0, 9]);
  });
});

describe('shortcuts', () => {
  test('come and go; a ring stays, for threads that have not heard of the end', () => {
    const { table, ring } = tableWith(null);
    table.attachShortcuts({
      kind: 'coalesced',
      device: REMOTE,
      ranges: [],
      flush: false,
      ring: ring.words.buffer,
    });
    ring.queue(9, 0, 4, 1, 0, 0);
    table.replayQueued();
    expect(bell()).toBe(doorbellBit(SLOT));
    table.attachShortcuts({ kind: 'coalesced', device: REGISTERS, ranges: [], flush: false, ring: null });
    table.write(REGISTERS, 0, 4, 3, 0, 0);
    expect(table.read(REGISTERS, 0, 4, 0)).toBe(3);
  });

  test('of a device that nobody attached are our own mistake', () => {
    const { table } = tableWith(null);
    expect(() => table.attachShortcuts({ kind: 'eventfds', device: 7, eventfds: [] })).toThrow('device 7');
  });
});
