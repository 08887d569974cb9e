/** The offline checker of histories: what it accepts, and the hand-made histories that it must convict. */
import { describe, expect, test } from 'vitest';
import { checkHistory } from '../../stress/linearizability/check-history.ts';
import type { History, HistoryEvent } from '../../stress/linearizability/history.ts';
import type { Edit } from '../../stress/linearizability/recorded-layout.ts';
import {
  away,
  BAR,
  barAway,
  barBytes,
  bytesOf,
  CHIP,
  checkpoint,
  copy,
  DECODE_ERROR,
  FLASH,
  first,
  HOLE,
  heldCopy,
  hold,
  inRam,
  moveBar,
  moveRam,
  OK,
  outOfRomMode,
  own,
  RAM,
  ramBytes,
  read,
  thereAndBack,
  write,
} from '../support/made-history.ts';

const check = (changes: History['changes'], events: readonly HistoryEvent[]) =>
  checkHistory({ version: 0, first, changes, vcpus: [events] });

type Row = readonly [what: string, changes: readonly Edit[][], events: readonly HistoryEvent[]];

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
      'by a copy of bytes that one call of a homed device gave, though the BAR had moved by then',
      barAway,
      [checkpoint(0, 0), copy(0x1ffe, [7, 7, ...barBytes(0, 4)], { oldest: 1, newest: 1 })],
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
    [
      'a second call of a copy by a layout from before the first, which a homed device answered',
      barAway,
      [checkpoint(0, 0), copy(0x2001, barBytes(1, 2), { oldest: 1, newest: 1 })],
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
