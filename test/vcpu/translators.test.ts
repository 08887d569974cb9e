/** IOMMUs whose translations are computed by a module in each thread. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { IOMMU_NOTIFIER_MAP } from '../../src/base/iommu.ts';
import { memTxAttrs } from '../../src/base/mem-tx-attrs.ts';
import { MEMTX_DECODE_ERROR, MEMTX_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { CallbackIommu, type CallbackIommuOptions } from '../../src/model/callback-iommu.ts';
import type { IommuEvent } from '../../src/model/iommu-notifiers.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import { BenchMachine } from '../support/bench-machine.ts';

const PAGE = 0x1000;
const ASKED = 63;
const modules = new URL('./modules/translators.mjs', import.meta.url);

let machine: BenchMachine;
let memory: ReturnType<BenchMachine['show']>;
let words: Int32Array<SharedArrayBuffer>;
let iommu: CallbackIommu;

beforeEach(() => {
  machine = new BenchMachine();
  const system = MemoryRegion.container('system', 2n ** 64n);
  system.addSubregion(0, MemoryRegion.ram('ram', 8 * PAGE));
  memory = machine.show('memory', system);
  words = new Int32Array(new SharedArrayBuffer(256));
});
afterEach(() => machine.close());

/** A bus of 16 pages behind a translator of that name. */
function busBehind(exportName: string, options: CallbackIommuOptions = {}): MemoryPort {
  iommu = new CallbackIommu([memory.space], modules, { exportName, state: words.buffer, ...options });
  const root = MemoryRegion.container('bus', 2n ** 64n);
  root.addSubregion(0, MemoryRegion.iommu('iommu', 16 * PAGE, iommu));
  return machine.show('bus', root).port;
}

const read = (port: MemoryPort, address: number): number[] => [port.read(address, 4), port.result];

describe('a translator', () => {
  test('sends accesses on to where it says', () => {
    const bus = busBehind('default');
    words[5] = 1 + 3;
    bus.write(0x5010, 4, 42);
    expect(memory.port.read(0x3010, 4)).toBe(42);
    expect(read(bus, 0x6000)).toEqual([0, MEMTX_DECODE_ERROR]);
    const into = new Uint8Array(0x20);
    expect(bus.readBytes(0x5ff0, into)).toBe(MEMTX_DECODE_ERROR);
  });

  test('is asked again only once the IOMMU says that its answers are outdated', () => {
    const bus = busBehind('default');
    words[5] = 1 + 3;
    memory.port.write(0x3000, 4, 3);
    memory.port.write(0x4000, 4, 4);
    expect(read(bus, 0x5000)).toEqual([3, MEMTX_OK]);
    const asked = words[ASKED];
    words[5] = 1 + 4;
    expect(read(bus, 0x5000)).toEqual([3, MEMTX_OK]);
    expect(words[ASKED]).toBe(asked);
    void iommu.notifyUnmap(0x5000, PAGE);
    machine.checkpoint();
    expect(read(bus, 0x5000)).toEqual([4, MEMTX_OK]);
  });

  test('may keep its tables in guest RAM', () => {
    const bus = busBehind('inGuestRam');
    memory.port.write(0x1000 + 4 * 2, 4, 0x4000);
    memory.port.write(0x4008, 4, 77);
    expect(read(bus, 0x2008)).toEqual([77, MEMTX_OK]);
  });

  test('may choose the index by the attributes', () => {
    const bus = busBehind('byUser', { indexes: 2 });
    words.set([1 + 2], 0);
    words.set([1 + 3], 16);
    memory.port.write(0x2000, 4, 2);
    memory.port.write(0x3000, 4, 3);
    expect(read(bus, 0)).toEqual([2, MEMTX_OK]);
    bus.attrs = memTxAttrs({ user: true });
    expect(read(bus, 0)).toEqual([3, MEMTX_OK]);
    bus.attrs = memTxAttrs({});
    expect(read(bus, 0)).toEqual([2, MEMTX_OK]);
  });

  test('is asked for whole entries where notifiers are replayed', () => {
    busBehind('default');
    words[5] = 1 + 3;
    const events: IommuEvent[] = [];
    const notifier = { flags: IOMMU_NOTIFIER_MAP, notify: (event: IommuEvent) => events.push(event) };
    iommu.notifiers.register(notifier);
    iommu.notifiers.replay(notifier);
    expect(events).toEqual([
      {
        ...{ type: IOMMU_NOTIFIER_MAP, index: 0, iova: 0x5000n, size: 0x1000n, translated: 0x3000n },
        ...{ space: memory.space, permission: 'read' },
      },
    ]);
  });

  test('gives the mask of its block to whoever asks where an access ends', () => {
    const bus = busBehind('default');
    words[5] = 1 + 3;
    const entry = { addressSpace: 0, translated: 0x3000n, mask: 0xfffn, permission: 'read-write' };
    expect(bus.iotlbEntry(0x5123, true)).toEqual(entry);
  });
});

describe('a translator that fails gives MEMTX_ERROR, and is reported', () => {
  test.each([
    ['throws', 'garbage', 'throw', 'its translator threw: page tables are gone'],
    ['answers a number', 'garbage', 'number', 'its translator answered number, not an object or null'],
    ['answers nothing', 'garbage', 'undefined', 'its translator answered undefined, not an object or null'],
    [
      'answers a promise',
      'garbage',
      'promise',
      'its translator answered with a `translated` that is no 64-bit bigint',
    ],
    [
      'leads to a number',
      'garbage',
      'translated',
      'its translator answered with a `translated` that is no 64-bit bigint',
    ],
    [
      'leads past 2^64',
      'garbage',
      'far',
      'its translator answered with a `translated` that is no 64-bit bigint',
    ],
    [
      'has an odd mask',
      'garbage',
      'mask',
      'its translator answered with a `mask` that is no power of two minus one',
    ],
    [
      'permits what there is not',
      'garbage',
      'permission',
      'its translator answered with a `permission` that is none',
    ],
    [
      'leads nowhere',
      'garbage',
      'target',
      'its translator answered with a `target` that the IOMMU does not have',
    ],
    ['reads through itself', 'selfish', null, 'its translator accesses memory that it translates itself'],
    ['cannot tell the index', 'throwingIndex', null, 'its translator threw: who are you?'],
    ['is none', 'noTranslator', null, 'its translator does not load: its factory'],
    ['is not exported', 'nowhere', null, 'its translator does not load: DEVICE_MODULE_INVALID'],
  ])('where it %s', (_, exportName, data, problem) => {
    const bus = busBehind(exportName, { data });
    bus.write(0x5008, 4, 1);
    if (exportName === 'selfish')
      expect(bus.result).toBe(MEMTX_DECODE_ERROR); // reads failed, so it leads to 0
    else expect(read(bus, 0x5008)).toEqual([0, MEMTX_ERROR]);
    expect(machine.reports.at(-1)).toMatchObject({ device: -1, regionName: 'iommu', vcpu: 0 });
    expect(machine.reports.some((report) => report.problem.startsWith(problem))).toBe(true);
    const whole = bus.readBytes(0, new Uint8Array(2 * PAGE));
    if (exportName !== 'selfish') expect(whole & MEMTX_ERROR).toBe(MEMTX_ERROR);
  });

  test('an index past the last is one with nothing mapped', () => {
    const bus = busBehind('badIndex');
    expect(read(bus, 0)).toEqual([0, MEMTX_DECODE_ERROR]);
    expect(machine.reports).toEqual([]);
  });

  test('a section that names one that was not posted is a broken invariant of ours', () => {
    expect(() => machine.translators.translate(9, 0n, 1, 0)).toThrow('translator 9 was posted before');
  });
});
