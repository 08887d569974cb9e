/** IOMMUs as the control side describes them: what may be mapped, who is told, what is refused. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  IOMMU_NOTIFIER_DEVIOTLB_UNMAP as DEVIOTLB,
  IOMMU_NOTIFIER_MAP as MAP,
  IOMMU_NOTIFIER_UNMAP as UNMAP,
} from '../../src/base/iommu.ts';
import { AddressSpace } from '../../src/model/address-space.ts';
import { CallbackIommu } from '../../src/model/callback-iommu.ts';
import type { IommuEvent, IommuNotifier } from '../../src/model/iommu-notifiers.ts';
import { IommuTable } from '../../src/model/iommu-table.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { transaction } from '../../src/model/transaction.ts';
import { codeOf } from '../support/code-of.ts';
import { messageOf } from '../support/message-of.ts';

const PAGE = 0x1000n;
const memory = new AddressSpace('memory');

/** A table behind a region of 16 pages, with pages 2 to 4 mapped in one piece to page 10. */
function table(options: ConstructorParameters<typeof IommuTable>[1] = {}): IommuTable {
  const made = new IommuTable(memory, options);
  MemoryRegion.iommu('iommu', 16n * PAGE, made);
  made.map({ iova: 2n * PAGE, size: 3n * PAGE, target: 10n * PAGE });
  return made;
}

/** Each mapping as `iova+pages>target permission`, in pages. */
const drawn = (iommu: IommuTable, index = 0): string[] =>
  iommu
    .mappingsOf(index)
    .map(
      ({ iova, size, target, permission }) => `${iova / PAGE}+${size / PAGE}>${target / PAGE} ${permission}`,
    );

/** Each event as `type iova+pages`, in pages. */
const named = ({ type, iova, size, translated }: IommuEvent): string =>
  `${type === MAP ? 'map' : type === UNMAP ? 'unmap' : 'deviotlb'} ${iova / PAGE}+${size / PAGE}${
    type === MAP ? `>${translated / PAGE}` : ''
  }`;

function listener(log: string[], parts: Partial<IommuNotifier> = {}): IommuNotifier {
  return { flags: MAP | UNMAP, notify: (event) => log.push(named(event)), ...parts };
}

describe('a table', () => {
  test('keeps its mappings ascending, each with what it permits', () => {
    const iommu = table();
    iommu.map({ iova: 8n * PAGE, size: PAGE, target: 0n, permission: 'write' });
    iommu.map({ iova: 0n, size: PAGE, target: PAGE, permission: 'read' });
    expect(drawn(iommu)).toEqual(['0+1>1 read', '2+3>10 read-write', '8+1>0 write']);
  });

  test('is cut by what is unmapped from the midst, or from several mappings at once', () => {
    const iommu = table();
    iommu.map({ iova: 5n * PAGE, size: 2n * PAGE, target: 0n });
    void iommu.unmap(3n * PAGE, PAGE);
    expect(drawn(iommu)).toEqual(['2+1>10 read-write', '4+1>12 read-write', '5+2>0 read-write']);
    void iommu.unmap(4n * PAGE, 2n * PAGE);
    expect(drawn(iommu)).toEqual(['2+1>10 read-write', '6+1>1 read-write']);
  });

  test('has a translation for each index', () => {
    const iommu = table({ indexes: 2 });
    iommu.map({ iova: 2n * PAGE, size: PAGE, target: 0n, index: 1 });
    expect([drawn(iommu), drawn(iommu, 1)]).toEqual([['2+3>10 read-write'], ['2+1>0 read-write']]);
  });

  test('is put back when its transaction is undone', () => {
    const iommu = table();
    const log: string[] = [];
    iommu.notifiers.register(listener(log));
    const undone = (): void =>
      transaction(() => {
        void iommu.unmap(2n * PAGE, 3n * PAGE);
        iommu.map({ iova: 0n, size: PAGE, target: 0n });
        throw new RangeError('undone');
      });
    expect(undone).toThrow('undone');
    expect(drawn(iommu)).toEqual(['2+3>10 read-write']);
    expect(log).toEqual([]);
  });

  test('without a machine, has nobody to wait for', async () => {
    await expect(table().unmap(2n * PAGE, PAGE)).resolves.toBeUndefined();
  });

  const bad = { iova: 0n, size: PAGE, target: 0n };
  test.each<[string, object, string, RegExp]>([
    [
      'what is mapped',
      { iova: 4n * PAGE, size: 2n * PAGE },
      'IOVA_ALREADY_MAPPED',
      /0x3000 bytes at iova 0x2000/,
    ],
    ['half a page', { size: 0x800n }, 'INVALID_ARGUMENT', /size must be a multiple of 4096/],
    ['nothing', { size: 0n }, 'INVALID_ARGUMENT', /more than 0/],
    ['the midst of a page', { iova: 0x800n }, 'INVALID_ARGUMENT', /iova must be a multiple of 4096/],
    ['to the midst of a page', { target: 1n }, 'INVALID_ARGUMENT', /target must be a multiple of 4096/],
    ['to past 2^64', { target: 2n ** 64n - PAGE, size: 2n * PAGE }, 'INVALID_ARGUMENT', /passes 2\^64/],
    [
      'past the region',
      { iova: 15n * PAGE, size: 2n * PAGE },
      'INVALID_ARGUMENT',
      /pass the region's end, 0x10000/,
    ],
    [
      'for no access',
      { permission: 'none' },
      'INVALID_ARGUMENT',
      /permission is 'read', 'write' or 'read-write'/,
    ],
    ['at an index it has not', { index: 1 }, 'INVALID_ARGUMENT', /index must be 0 to 0, got 1/],
  ])('does not map %s', (_, change, code, message) => {
    const iommu = table();
    const body = (): void => iommu.map({ ...bad, ...change });
    expect(codeOf(body)).toBe(code);
    expect(messageOf(body)).toMatch(message);
    expect(drawn(iommu)).toEqual(['2+3>10 read-write']);
  });

  test.each<[string, bigint, bigint, string]>([
    ['before it', 1n, 2n, "IOVA_NOT_MAPPED: IOMMU of region 'iommu': nothing is mapped at iova 0x1000"],
    ['past it', 4n, 2n, "IOVA_NOT_MAPPED: IOMMU of region 'iommu': nothing is mapped at iova 0x5000"],
    ['nowhere near', 9n, 1n, "IOVA_NOT_MAPPED: IOMMU of region 'iommu': nothing is mapped at iova 0x9000"],
  ])('does not unmap what begins or ends %s', (_, page, count, message) => {
    const iommu = table();
    expect(messageOf(() => void iommu.unmap(page * PAGE, count * PAGE))).toContain(message);
    expect(drawn(iommu)).toEqual(['2+3>10 read-write']);
  });
});

describe('an IOMMU', () => {
  test('answers for one region; an alias of it shows the same', () => {
    const iommu = new IommuTable(memory);
    const region = MemoryRegion.iommu('iommu', PAGE, iommu);
    expect(MemoryRegion.alias('window', region, 0n, PAGE).iommu).toBe(iommu);
    expect(MemoryRegion.ram('ram', PAGE).iommu).toBeNull();
    expect(iommu.region).toBe(region);
    const again = (): unknown => MemoryRegion.iommu('other', PAGE, iommu);
    expect(messageOf(again)).toMatch(/IOMMU of region 'iommu': region 'other' needs an IOMMU of its own/);
    const none = (): unknown => MemoryRegion.iommu('none', PAGE, {} as IommuTable);
    expect(messageOf(none)).toMatch(/give an IommuTable or a CallbackIommu, got an object/);
  });

  test.each<[string, object, RegExp]>([
    ['a page size that is no power of two', { minPageSize: 3000 }, /minPageSize must be a power of two/],
    ['no index', { indexes: 0 }, /indexes must be a whole number from 1 to 512/],
    [
      'an attribute that there is not',
      { indexFrom: 'colour' },
      /indexFrom must be one of secure, user, space, pid/,
    ],
  ])('is not made with %s', (_, options, message) => {
    expect(messageOf(() => new IommuTable(memory, options))).toMatch(message);
  });

  test('tells its attributes', () => {
    const iommu = table({ attributes: { tceTableFd: 7 } });
    expect(iommu.getAttribute('tceTableFd')).toBe(7);
    expect(codeOf(() => void iommu.getAttribute('toString'))).toBe('INVALID_ARGUMENT');
  });

  test('of callbacks needs somewhere to lead to', () => {
    expect(messageOf(() => new CallbackIommu([], import.meta.url))).toMatch(/at least one address space/);
  });
});

describe('notifiers', () => {
  test('hear of each change after its transaction, the newest first; one in place is an unmap, then a map', () => {
    const iommu = table();
    const log: string[] = [];
    iommu.notifiers.register(listener(log, { notify: (event) => log.push(`old ${named(event)}`) }));
    iommu.notifiers.register(listener(log, { notify: (event) => log.push(`new ${named(event)}`) }));
    transaction(() => {
      void iommu.unmap(2n * PAGE, PAGE);
      iommu.map({ iova: 2n * PAGE, size: PAGE, target: 0n });
      expect(log).toEqual([]);
    });
    expect(log).toEqual(['new unmap 2+1', 'old unmap 2+1', 'new map 2+1>0', 'old map 2+1>0']);
  });

  test.each<[string, Partial<IommuNotifier>, string[]]>([
    ['all of it', {}, ['unmap 2+3', 'map 2+3>0']],
    ['only unmaps', { flags: UNMAP }, ['unmap 2+3']],
    ['only maps', { flags: MAP }, ['map 2+3>0']],
    ['of no device TLB', { flags: DEVIOTLB }, []],
    ['what lies in its range', { start: 3n * PAGE, last: 4n * PAGE - 1n }, ['unmap 3+1', 'map 3+1>1']],
    ['the last page', { start: 4n * PAGE }, ['unmap 4+1', 'map 4+1>2']],
    ['nothing past its range', { last: 2n * PAGE - 1n }, []],
    ['nothing of another index', { index: 1 }, []],
  ])('hear %s', (_, parts, heard) => {
    const iommu = table({ indexes: 2 });
    const log: string[] = [];
    const unregister = iommu.notifiers.register(listener(log, parts));
    void iommu.unmap(2n * PAGE, 3n * PAGE);
    iommu.map({ iova: 2n * PAGE, size: 3n * PAGE, target: 0n });
    expect(log).toEqual(heard);
    unregister();
    unregister();
    iommu.map({ iova: 8n * PAGE, size: PAGE, target: 0n });
    expect(log).toEqual(heard);
  });

  test('of an unmap are told no permission and no place', () => {
    const iommu = table();
    const events: IommuEvent[] = [];
    iommu.notifiers.register({ flags: UNMAP | MAP, notify: (event) => events.push(event) });
    void iommu.unmap(2n * PAGE, PAGE);
    iommu.map({ iova: 0n, size: PAGE, target: PAGE, permission: 'read' });
    expect(events).toEqual([
      { type: UNMAP, index: 0, iova: 0x2000n, size: PAGE, translated: 0n, space: null, permission: 'none' },
      { type: MAP, index: 0, iova: 0n, size: PAGE, translated: PAGE, space: memory, permission: 'read' },
    ]);
  });

  test('replay what is mapped, and unmap their range, on demand', () => {
    const iommu = table();
    iommu.map({ iova: 8n * PAGE, size: 2n * PAGE, target: 0n });
    const log: string[] = [];
    const notifier = listener(log, { start: 3n * PAGE, last: 9n * PAGE - 1n });
    iommu.notifiers.register(notifier);
    iommu.notifiers.replay(notifier);
    iommu.notifiers.unmapRange(notifier);
    expect(log).toEqual(['map 3+2>11', 'map 8+1>0', 'unmap 3+6']);
    expect(codeOf(() => iommu.notifiers.replay(listener([])))).toBe('INVALID_ARGUMENT');
  });

  test('have their flags reported as a union, and are not registered where that is refused', () => {
    const seen: string[] = [];
    const onNotifierFlags = (before: number, after: number): void => {
      seen.push(`${before}>${after}`);
      if ((after & DEVIOTLB) !== 0) throw new RangeError('no device TLBs here');
    };
    const iommu = table({ onNotifierFlags });
    const unregister = iommu.notifiers.register(listener([], { flags: MAP }));
    iommu.notifiers.register(listener([], { flags: MAP }));
    iommu.notifiers.register(listener([], { flags: UNMAP }));
    expect(() => iommu.notifiers.register(listener([], { flags: DEVIOTLB }))).toThrow('no device TLBs here');
    expect(iommu.notifiers.flags).toBe(MAP | UNMAP);
    unregister();
    expect(seen).toEqual(['0>2', '2>3', '3>7']);
  });

  test.each<[string, Partial<IommuNotifier>, RegExp]>([
    ['ask for nothing', { flags: 0 }, /flags are an OR of IOMMU_NOTIFIER/],
    ['ask for what there is not', { flags: 8 }, /flags are an OR of IOMMU_NOTIFIER/],
    ['have a range that ends before it starts', { start: 2, last: 1 }, /0 <= start <= last < 2\^64/],
    ['have an index past the last', { index: 1 }, /index must be 0 to 0/],
  ])('must not %s', (_, parts, message) => {
    const { notifiers } = table();
    expect(messageOf(() => notifiers.register(listener([], parts)))).toMatch(message);
    expect(notifiers.flags).toBe(0);
  });

  test('are registered once', () => {
    const { notifiers } = table();
    const notifier = listener([]);
    notifiers.register(notifier);
    expect(messageOf(() => notifiers.register(notifier))).toMatch(/registered already/);
  });
});

describe('a notifier that throws', () => {
  afterEach(() => vi.restoreAllMocks());

  test('reaches the process, and keeps nobody else from being called', () => {
    const later: (() => void)[] = [];
    vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((task) => void later.push(task));
    const iommu = table();
    const log: string[] = [];
    iommu.notifiers.register(listener(log));
    iommu.notifiers.register(
      listener([], {
        notify: () => {
          throw new RangeError('I am not well');
        },
      }),
    );
    iommu.map({ iova: 0n, size: PAGE, target: 0n });
    expect(log).toEqual(['map 0+1>0']);
    expect(later).toHaveLength(1);
    expect(later[0]).toThrow('I am not well');
  });
});

describe('a callback IOMMU', () => {
  const iommu = (): CallbackIommu => {
    const made = new CallbackIommu([memory], import.meta.url, { indexes: 2 });
    MemoryRegion.iommu('iommu', 16n * PAGE, made);
    return made;
  };
  /** Every second page, to itself. */
  const everySecond = (iova: bigint) => ({
    translated: iova,
    mask: PAGE - 1n,
    permission: (iova / PAGE) % 2n === 0n ? ('read' as const) : ('none' as const),
  });

  test('tells notifiers what its owner says', async () => {
    const made = iommu();
    made.translateOnControl = everySecond;
    const log: string[] = [];
    made.notifiers.register(listener(log, { flags: MAP | UNMAP | DEVIOTLB }));
    made.notifyMap(2n * PAGE, 3n * PAGE);
    await made.notifyUnmap(2n * PAGE, PAGE);
    made.notifyDeviceIotlbUnmap(0n, 2n * PAGE);
    expect(log).toEqual(['map 2+1>2', 'map 4+1>4', 'unmap 2+1', 'deviotlb 0+2']);
    expect(codeOf(() => void made.notifyUnmap(0n, PAGE, 2))).toBe('INVALID_ARGUMENT');
  });

  test('is replayed page by page, to the end of the region', () => {
    const made = iommu();
    const asked: bigint[] = [];
    made.translateOnControl = (iova) => {
      asked.push(iova / PAGE);
      return iova === 14n * PAGE ? everySecond(iova) : null;
    };
    const log: string[] = [];
    const notifier = listener(log, { start: 12n * PAGE + 5n });
    made.notifiers.register(notifier);
    made.notifiers.replay(notifier);
    expect(asked).toEqual([12n, 13n, 14n, 15n]);
    expect(log).toEqual(['map 14+1>14']);
  });

  test('in no machine has nobody to ask', () => {
    const made = iommu();
    const notifier = listener([]);
    made.notifiers.register(notifier);
    expect(messageOf(() => made.notifiers.replay(notifier))).toMatch(/belongs to no machine yet/);
  });
});
