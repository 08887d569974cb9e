import { MessageChannel } from 'node:worker_threads';
import { beforeEach, describe, expect, test } from 'vitest';
import { fullAccessRules } from '../../src/base/access-rules.ts';
import { MEMTX_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { GraceReader } from '../../src/grace/reader.ts';
import type { AttachedDevice } from '../../src/layout/attachments.ts';
import {
  createControlBlock,
  GENERATION_OFFLINE,
  PHASE_RUNNING,
  READER_ANNOUNCED,
  READER_PHASE,
  readerWord,
  type SharedWords,
  WORD_DEVICE_LOCK,
} from '../../src/layout/control-block.ts';
import { AttachmentInbox } from '../../src/vcpu/attachment-inbox.ts';
import { DeviceTable } from '../../src/vcpu/device-table.ts';
import type { DeviceReport } from '../../src/vcpu/failure-reports.ts';
import { RamViews } from '../../src/vcpu/ram-views.ts';
import { ReaderSession } from '../../src/vcpu/reader-session.ts';

const SLOT = 2;
const reader = readerWord(SLOT);
let words: SharedWords;
let session: ReaderSession;
let table: DeviceTable;
let reports: DeviceReport[];
let refreshes: number;

beforeEach(() => {
  words = createControlBlock();
  reports = [];
  refreshes = 0;
  session = new ReaderSession(words, new GraceReader(words, SLOT));
  session.add({ refresh: () => (refreshes += 1), disarm: () => {} });
  session.attach();
  table = new DeviceTable(words, session, (report) => reports.push(report));
});

const local = (exportName: string, lock: 'shared' | 'none' = 'none', data: unknown = 40): AttachedDevice => ({
  placement: 'local',
  lock,
  module: new URL('./modules/device.mjs', import.meta.url).href,
  exportName,
  state: new SharedArrayBuffer(64),
  data,
  rules: fullAccessRules(),
  guard: null,
});

describe('a local device', () => {
  test.each(['none', 'shared'] as const)('is loaded at its first access and called; lock: %s', (lock) => {
    table.attach(3, 'uart', local('default', lock));
    expect(table.read(3, 2, 1, 0)).toBe(42);
    table.attach(4, 'registers', local('registers', lock));
    table.write(4, 8, 4, 0x8000_0001, 0, 0);
    expect(table.read(4, 8, 4, 0)).toBe(0x8000_0001 | 0);
    expect(table.result).toBe(MEMTX_OK);
    expect(words[WORD_DEVICE_LOCK]).toBe(0);
    expect([table.read(3, 2, 1, 0), table.read(4, 8, 2, 0)]).toEqual([42, 1]); // loaded by now
  });

  test('that answers garbage, or whose module does not load, gives MEMTX_ERROR and a report', () => {
    table.attach(0, 'half', local('default', 'none', 'x'));
    table.attach(1, 'bad', local('throwing', 'shared'));
    expect([table.read(0, 0, 4, 0), table.result]).toEqual([0, MEMTX_ERROR]);
    expect([table.read(1, 0, 4, 0), table.result]).toEqual([0, MEMTX_ERROR]);
    table.write(1, 0, 4, 1, 0, 0);
    expect(table.result).toBe(MEMTX_ERROR);
    expect(reports.map(({ regionName, vcpu, count }) => [regionName, vcpu, count])).toEqual([
      ['half', SLOT, 1],
      ['bad', SLOT, 1],
      ['bad', SLOT, 2],
    ]);
    expect(words[WORD_DEVICE_LOCK]).toBe(0);
  });

  test('is loaded by loadAll, which throws for one that does not load', () => {
    table.attach(0, 'good', local('default'));
    table.loadAll();
    table.attach(1, 'bad', local('throwing'));
    expect(() => table.loadAll()).toThrow(/DEVICE_MODULE_INVALID/);
    expect(table.read(0, 2, 2, 0)).toBe(42);
  });
});

describe('a homed device', () => {
  test('whose host is dead gives MEMTX_ERROR; the vCPU is back online, on the newest layout', () => {
    table.attach(0, 'remote', { placement: 'homed', host: 1, rules: fullAccessRules(), guard: null });
    refreshes = 0;
    expect(table.read(0, 0, 4, 0)).toBe(0);
    expect(table.result).toBe(MEMTX_ERROR);
    table.write(0, 0, 4, 1, 0, 0);
    expect(table.result).toBe(MEMTX_ERROR);
    expect(refreshes).toBe(2);
    expect(words[reader + READER_ANNOUNCED]).not.toBe(GENERATION_OFFLINE);
    expect(words[reader + READER_PHASE]).toBe(PHASE_RUNNING);
  });

  test('inside a read section the vCPU stays online while it waits', () => {
    table.attach(0, 'remote', { placement: 'homed', host: 1, rules: fullAccessRules(), guard: null });
    session.reader.readLock();
    table.read(0, 0, 4, 0);
    expect(session.reader.sectionDepth).toBe(1);
    session.reader.readUnlock();
    expect(session.reader.isOnline).toBe(true);
  });
});

describe('a device that the table does not know', () => {
  test('is looked for on the attachment port, in the middle of the access', () => {
    const { port1, port2 } = new MessageChannel();
    const ram = new RamViews({ bytes: new SharedArrayBuffer(8), dirty: new SharedArrayBuffer(8) });
    const inbox = new AttachmentInbox(createControlBlock(), port2, {
      ram,
      devices: table,
      translators: { attach: () => {} },
    });
    table.onMissing = () => inbox.drain();
    port1.postMessage({ kind: 'device', device: 7, regionName: 'hot', attached: local('default') });
    expect(table.read(7, 2, 2, 0)).toBe(42);
    port1.close();
  });

  test('and that was not posted either is a broken invariant of ours', () => {
    expect(() => table.read(0, 0, 4, 0)).toThrow('device 0 was posted before its section was published');
    table.attach(2, 'other', local('default'));
    expect(() => table.write(1, 0, 4, 0, 0, 0)).toThrow('device 1 was posted before');
  });
});
