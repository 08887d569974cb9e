/** The offline checker of histories: what it accepts, and the hand-made histories that it must convict. */
import { describe, expect, test } from 'vitest';
import { checkHistory } from '../../stress/linearizability/check-history.ts';
import { codedByte, type Giver, privateOffset } from '../../stress/linearizability/coded-bytes.ts';
import {
  eventsIn,
  type History,
  type HistoryEvent,
  type Read,
  Recorder,
} from '../../stress/linearizability/history.ts';
import {
  type Edit,
  type RecordedLayout,
  recordedRegion,
} from '../../stress/linearizability/recorded-layout.ts';

const RAM = 1;
const BAR = 2;
const CHIP = 3;
const FLASH = 4;
const RAM_BYTES = 0x1000;
const BAR_BYTES = 8;
/** RAM at 0x1000, a homed BAR above its end, a local chip at 0x8000, a ROM device at 0x9000; both spaces show the same. */
const first: RecordedLayout = {
  regions: [
    recordedRegion('root', 'container', 0x10000, { children: [RAM, BAR, CHIP, FLASH] }),
    recordedRegion('ram', 'ram', RAM_BYTES, { address: 0x1000 }),
    recordedRegion('bar', 'homed', BAR_BYTES, { address: 0x2000 }),
    recordedRegion('chip', 'local', 4, { address: 0x8000 }),
    recordedRegion('flash', 'rom-device', 8, { address: 0x9000 }),
  ],
  roots: [0, 0],
};
const moveRam = (address: number): Edit[] => [{ op: 'move', region: RAM, address }];
const moveBar = (address: number): Edit[] => [{ op: 'move', region: BAR, address }];

const outOfRomMode: Edit[][] = [[{ op: 'romd', region: FLASH, romd: false }]];

const OK = 0;
const DECODE_ERROR = 2;
const checkpoint = (oldest: number, newest: number): HistoryEvent => ({ kind: 'checkpoint', oldest, newest });
const bytesOf = (giver: Giver, number: number, offset: number, count: number): number[] =>
  Array.from({ length: count }, (_, byte) => codedByte(giver, number, offset + byte));
const ramBytes = (offset: number, count: number): number[] => bytesOf('memory', RAM, offset, count);
const barBytes = (offset: number, count: number): number[] => bytesOf('homed', BAR, offset, count);
const HOLE = [0, 0];

interface Seen {
  readonly space?: number;
  readonly result?: number;
  readonly oldest?: number;
  readonly newest?: number;
  readonly made?: number;
}
const read = (address: number, bytes: readonly number[], seen: Seen = {}): HistoryEvent => ({
  ...{ kind: 'read', space: 0, address, bytes, oldest: 0, newest: 9 },
  result: bytes.includes(0) ? DECODE_ERROR : OK,
  ...seen,
});
const copy = (address: number, bytes: readonly number[], seen: Seen = {}): HistoryEvent => ({
  ...(read(address, bytes, seen) as Read),
  kind: 'copy',
});
const hold = (space: number): HistoryEvent => ({ kind: 'hold', space });
const heldCopy = (address: number, bytes: readonly number[], seen: Seen = {}): HistoryEvent => ({
  ...(read(address, bytes, seen) as Read),
  kind: 'held copy',
});
type Place = readonly [region: number, offset: number];
const write = (address: number, size: number, landed: readonly Place[], seen: Seen = {}): HistoryEvent => ({
  ...{ kind: 'write', space: 0, address, size, landed, made: 0, oldest: 0, newest: 9, result: OK },
  ...seen,
});

const check = (changes: History['changes'], events: readonly HistoryEvent[], layout = first) =>
  checkHistory({ version: 0, first: layout, changes, vcpus: [events] });

type Row = readonly [what: string, changes: readonly Edit[][], events: readonly HistoryEvent[]];
/** Layout 1 has the RAM at 0x4000 instead, layout 2 where it was. */
const thereAndBack = [moveRam(0x4000), moveRam(0x1000)];
const away = [moveRam(0x4000)];
const barAway = [moveBar(0x6000)];
const inRam = ramBytes(0x10, 2);
/** Where vCPU 0 may write in a page. */
const own = privateOffset(0);

describe('a history is explained', () => {
  test.each<Row>([
    ['by the old layout or the new one, while it changes', away, [checkpoint(0, 1), read(0x1010, inRam)]],
    ['by the new one as well', away, [checkpoint(0, 1), read(0x4010, inRam)]],
    [
      'by the old one, then the new',
      away,
      [checkpoint(0, 0), read(0x1010, inRam), checkpoint(0, 1), read(0x4010, inRam)],
    ],
    [
      'by a layout that looks like an older one',
      thereAndBack,
      [checkpoint(1, 1), read(0x4010, inRam), checkpoint(1, 2), read(0x1010, inRam)],
    ],
    [
      'by two spaces one publication apart',
      away,
      [checkpoint(0, 1), read(0x1010, inRam), read(0x4010, inRam, { space: 1 })],
    ],
    [
      'over the end of RAM into a device',
      [],
      [checkpoint(0, 0), read(0x1ffe, [...ramBytes(0xffe, 2).map(() => 7), ...barBytes(0, 2)])],
    ],
    ['over the end of a device', [], [checkpoint(0, 0), read(0x2006, [...barBytes(6, 2), ...HOLE])]],
    [
      'by a device that takes an aligned access past its end',
      [],
      [checkpoint(0, 0), read(0x8000, bytesOf('local', CHIP, 0, 8))],
    ],
    [
      'by half an access before the BAR moved, half after',
      barAway,
      [checkpoint(0, 0), read(0x2001, [...barBytes(1, 1), 0, 0, 0], { newest: 1 })],
    ],
    [
      'after the answer of a homed device, by the layout that it made',
      barAway,
      [
        checkpoint(0, 0),
        write(
          0x2000,
          4,
          [0, 1, 2, 3].map((at) => [BAR, at] as const),
          { made: 1, newest: 1 },
        ),
        read(0x6000, barBytes(0, 2)),
        read(0x6002, barBytes(2, 2), { space: 1 }),
      ],
    ],
    [
      'by a write that went to memory',
      [],
      [
        checkpoint(0, 0),
        write(0x1000 + own, 2, [
          [RAM, own],
          [RAM, own + 1],
        ]),
      ],
    ],
    [
      'by a copy over RAM and device, half of it before the BAR moved',
      barAway,
      [checkpoint(0, 0), copy(0x1ffd, [7, 7, 7, ...barBytes(0, 3), 0, 0], { newest: 1 })],
    ],
    [
      'by a ROM device, whose reads go to its bytes and whose writes to its callbacks',
      [],
      [
        checkpoint(0, 0),
        read(0x9003, bytesOf('memory', FLASH, 3, 2)),
        write(0x9002, 2, [
          [FLASH, 2],
          [FLASH, 3],
        ]),
      ],
    ],
    [
      'by a ROM device whose reads go to its callbacks by then',
      outOfRomMode,
      [checkpoint(0, 1), read(0x9002, bytesOf('local', FLASH, 2, 2))],
    ],
    [
      'by a layout that is held, while the port has another',
      away,
      [checkpoint(0, 0), hold(0), checkpoint(1, 1), heldCopy(0x1010, inRam), read(0x4010, inRam)],
    ],
    [
      'by a hold over the answer of a homed device, which moves the ports alone',
      barAway,
      [
        checkpoint(0, 0),
        hold(0),
        heldCopy(0x2000, barBytes(0, 2), { oldest: 1, newest: 1 }),
        heldCopy(0x2002, barBytes(2, 2)),
        read(0x6000, barBytes(0, 2)),
      ],
    ],
    ['by a write that went nowhere', [], [checkpoint(0, 0), write(0x3000, 2, [], { result: DECODE_ERROR })]],
    [
      'by a write that read-only memory discards',
      [[{ op: 'protect', region: RAM, readonly: true }]],
      [checkpoint(1, 1), write(0x1000 + own, 2, [])],
    ],
    [
      'by a device that refuses what is not on a multiple of its size',
      [moveBar(0x2004)],
      [checkpoint(1, 1), read(0x2008, Array(8).fill(0))],
    ],
  ])('%s', (_what, changes, events) => {
    const { convictions, accesses } = check(changes, events);
    expect(convictions).toEqual([]);
    expect(accesses).toBe(events.filter(({ kind }) => kind !== 'checkpoint' && kind !== 'hold').length);
  });
});

describe('a history is convicted', () => {
  test.each<Row>([
    ['an old layout after a checkpoint that saw a newer one', away, [checkpoint(1, 1), read(0x1010, inRam)]],
    ['a layout that was not made yet', away, [checkpoint(0, 0), read(0x4010, inRam)]],
    [
      'an older layout after a newer',
      away,
      [checkpoint(0, 1), read(0x4010, inRam), checkpoint(0, 1), read(0x1010, inRam)],
    ],
    [
      'two layouts between two checkpoints',
      away,
      [checkpoint(0, 1), read(0x1010, inRam), read(0x4010, inRam)],
    ],
    ['bytes that no layout has there', away, [checkpoint(0, 1), read(0x1010, ramBytes(0x12, 2))]],
    [
      'two bytes of an access from two layouts',
      [moveRam(0x1001)],
      [checkpoint(0, 1), read(0x1010, [...ramBytes(0x10, 1), ...ramBytes(0x10, 1)])],
    ],
    [
      'callbacks of a ROM device that is in ROM mode',
      [],
      [checkpoint(0, 0), read(0x9002, bytesOf('local', FLASH, 2, 2))],
    ],
    [
      'a hold that moved with the port',
      away,
      [checkpoint(0, 0), hold(0), checkpoint(1, 1), heldCopy(0x4010, inRam)],
    ],
    [
      'a hold on two layouts',
      away,
      [checkpoint(0, 1), hold(0), heldCopy(0x4010, inRam), heldCopy(0x1010, inRam)],
    ],
    ['a copy by a hold that there is not', [], [checkpoint(0, 0), heldCopy(0x1010, inRam)]],
    ['something where nothing is', [], [checkpoint(0, 0), read(0x3000, [1, 0])]],
    ['nothing where something is', [], [checkpoint(0, 0), read(0x1010, HOLE)]],
    ['a result that is not due', [], [checkpoint(0, 0), read(0x1010, inRam, { result: DECODE_ERROR })]],
    ['an error that was not told', [], [checkpoint(0, 0), read(0x3000, HOLE, { result: OK })]],
    [
      'a byte of a copy that no layout has there',
      away,
      [checkpoint(0, 1), copy(0x1010, [...inRam, ...ramBytes(0x13, 1)])],
    ],
    [
      'a write that went elsewhere',
      [],
      [
        checkpoint(0, 0),
        write(0x1000 + own, 2, [
          [RAM, own],
          [RAM, own + 2],
        ]),
      ],
    ],
    ['a write that went nowhere though it should', [], [checkpoint(0, 0), write(0x8000, 4, [])]],
    [
      'a write that went to one place more',
      [],
      [
        checkpoint(0, 0),
        write(0x1000 + own, 1, [
          [RAM, own],
          [CHIP, 0],
        ]),
      ],
    ],
    [
      'a write that passed read-only memory',
      [[{ op: 'protect', region: RAM, readonly: true }]],
      [checkpoint(1, 1), write(0x1000 + own, 1, [[RAM, own]])],
    ],
    [
      'a BAR found where it was before the write that moved it',
      barAway,
      [checkpoint(0, 0), write(0x2000, 1, [[BAR, 0]], { made: 1, newest: 1 }), read(0x2000, barBytes(0, 2))],
    ],
    [
      'the same in another space',
      barAway,
      [
        checkpoint(0, 0),
        write(0x2000, 1, [[BAR, 0]], { made: 1, newest: 1 }),
        read(0x2000, barBytes(0, 2), { space: 1 }),
      ],
    ],
    [
      'a layout from before a homed access that began after the next was out',
      barAway,
      [
        checkpoint(0, 0),
        read(0x2000, barBytes(0, 2), { oldest: 1, newest: 1 }),
        read(0x2000, barBytes(0, 2)),
      ],
    ],
    ['a checkpoint that took less than the vCPU had', away, [checkpoint(1, 1), checkpoint(0, 0)]],
  ])('%s', (_what, changes, events) => {
    const { convictions } = check(changes, events);
    expect(convictions).toMatchObject([{ vcpu: 0, event: events.length - 1 }]);
  });

  test('with what was seen, and what was due by which layouts', () => {
    const [conviction] = check(away, [checkpoint(0, 1), read(0x1010, [1, 2])]).convictions;
    expect(conviction!.text).toBe(
      'vCPU 0, event 1: read of 2 at 0x1010 of space 0 gave 01 02, result 0; ' +
        'possible were layouts 0 to 1, which have there 0: ram+0x10; 1: nothing',
    );
  });

  test('each vCPU by what it saw itself', () => {
    const good = [checkpoint(0, 1), read(0x4010, inRam)];
    const bad = [checkpoint(1, 1), read(0x1010, inRam)];
    const { convictions } = checkHistory({ version: 0, first, changes: away, vcpus: [good, bad, good] });
    expect(convictions.map(({ vcpu }) => vcpu)).toEqual([1]);
  });
});

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
    checkpoint(1, 2),
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
