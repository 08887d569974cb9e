/**
 * The native baseline: that its programs answer as the streams say, that a wrong answer is refused, and that what a
 * machine lacks is told. No timing. What cannot be built or run here is skipped by name.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { barGuest, ramGuest, uartGuest } from '../../bench/native/guest.ts';
import { barSections, mixSections } from '../../bench/native/input.ts';
import { barMoves, ramPasses, runGuest, uartReads, whyNoQemu } from '../../bench/native/qemu.ts';
import { whyNoBuild } from '../../bench/native/toolchain.ts';
import { type AccessPlan, AccessTurns, accessPlans, RebuildTurns } from '../../bench/native.ts';
import { manyBars } from '../../bench/support/many-bars.ts';
import { mixStream, showMix } from '../../bench/support/mix.ts';
import { transaction } from '../../src/model/transaction.ts';
import { Machine } from '../../src/service/machine.ts';

const noBuild = whyNoBuild();
const noQemu = whyNoQemu();
const skipped = (why: string | null): string => (why === null ? '' : ` (skipped: ${why})`);

describe('the sections that the C programs get are those of the rows they are compared with:', () => {
  const shown = (show: (machine: Machine) => void): [start: number, size: number][] => {
    const machine = new Machine({ ramReserveBytes: 2 ** 26, arenaBytes: 2 ** 22 });
    show(machine);
    const { ranges } = machine.flatViewOf(machine.addressSpaces[0]!);
    return ranges.map(({ start, size }) => [Number(start), Number(size)]);
  };

  test('the mix', () => {
    const ranges = shown((machine) => showMix(machine, mixStream()));
    expect(mixSections().map(({ start, size }) => [start, size])).toEqual(ranges);
  });

  test('many BARs', () => {
    const ranges = shown((machine) =>
      transaction(() => void machine.addAddressSpace('memory', manyBars(100).root)),
    );
    expect(barSections(100).map(({ start, size }) => [start, size])).toEqual(ranges);
  });
});

describe.skipIf(noBuild !== null)(`native programs${skipped(noBuild)}`, () => {
  test.each(Object.entries(accessPlans))('%s answers as the stream says', async (_name, plan) => {
    const turns = new AccessTurns(plan, 1);
    try {
      await turns.turn();
      let { publications } = await turns.turn();
      if (plan.churn === undefined) expect(publications).toBe(0);
      else while (publications === 0) ({ publications } = await turns.turn()); // the writer needs a core, too
    } finally {
      await turns.close();
    }
  });

  test('a sum that is not the stream’s is refused', async () => {
    const plan: AccessPlan = {
      kind: 'load',
      flavour: 'qsbr',
      of: () => {
        const stream = mixStream();
        stream.indices[0] = stream.indices[0]! ^ 1; // the address stays
        return { sections: mixSections(), stream };
      },
    };
    const turns = new AccessTurns(plan, 1);
    await expect(turns.turn()).rejects.toThrow(/wrong: sums/);
    await turns.close();
  });

  test.each([10, 1000])('a map built anew of %i sections finds them all', async (count) => {
    const turns = new RebuildTurns(count, 3);
    for (let turn = 0; turn < 2; turn += 1) await turns.turn(); // an odd number of moves each: away, and back
    await turns.close();
  });
});

const hex = (words: Int32Array): string[] =>
  Array.from(words, (word) => (word >>> 0).toString(16).padStart(8, '0'));

describe('guests of QEMU', () => {
  const STOP = [
    '000053b7', // lui t2, 0x5
    '55538393', // addi t2, t2, 0x555
    '00100337', // stop: lui t1, 0x100
    '00732023', // sw t2, 0(t1)
    '10500073', // sleep: wfi
    'ffdff06f', // jal zero, sleep
  ];

  test('read the line status as often as they are told to', () => {
    expect(hex(uartGuest(1_100_000, 2))).toEqual([
      '10000437', // lui s0, 0x10000
      '0010d4b7', // lui s1, 0x10d
      '8e048493', // addi s1, s1, -1824: 1,100,000
      '00048293', // addi t0, s1, 0
      '00000913', // addi s2, zero, 0
      '00544303', // loop: lbu t1, 5(s0)
      '00690933', // add s2, s2, t1
      'fff28293', // addi t0, t0, -1
      'fe029ae3', // bne t0, zero, loop
      '06000313', // addi t1, zero, 0x60
      '026482b3', // mul t0, s1, t1
      '000133b7', // lui t2, 0x13
      '33338393', // addi t2, t2, 0x333
      '02591263', // bne s2, t0, stop
      '00000317', // auipc t1, 0
      '03030313', // addi t1, t1, 48: finished
      '00100393', // addi t2, zero, 1
      '007323af', // amoadd.w t2, t2, (t1)
      '00100e13', // addi t3, zero, 1
      '01c39a63', // bne t2, t3, sleep
      ...STOP,
      '00000000', // finished
    ]);
  });

  test('fill a window of RAM and load it, eight words in a row, as often as they are told to', () => {
    const load = (offset: number): string[] => [
      `${((offset << 20) | 0x3_2383).toString(16).padStart(8, '0')}`, // lw t2, offset(t1)
      '007e0e33', // add t3, t3, t2
    ];
    expect(hex(ramGuest(3))).toEqual([
      '00100497', // auipc s1, 0x100
      '000102b7', // lui t0, 0x10: 65,536
      '00048313', // addi t1, s1, 0
      '00500393', // addi t2, zero, 5
      '00732023', // fill: sw t2, 0(t1)
      '00430313', // addi t1, t1, 4
      'fff28293', // addi t0, t0, -1
      'fe029ae3', // bne t0, zero, fill
      '00300413', // addi s0, zero, 3
      '00000e13', // addi t3, zero, 0
      '000022b7', // pass: lui t0, 0x2: 8192 times eight
      '00048313', // addi t1, s1, 0
      ...[0, 4, 8, 12, 16, 20, 24, 28].flatMap(load),
      '02030313', // addi t1, t1, 32
      'fff28293', // addi t0, t0, -1
      'fa029ce3', // bne t0, zero, block
      'fff40413', // addi s0, s0, -1
      'fa0414e3', // bne s0, zero, pass
      '00300293', // addi t0, zero, 3
      '00050337', // lui t1, 0x50: 5 * 65,536
      '026282b3', // mul t0, t0, t1
      '000133b7', // lui t2, 0x13
      '33338393', // addi t2, t2, 0x333
      '01c29663', // bne t0, t3, stop
      ...STOP,
    ]);
  });

  test('place BARs and move the one in the middle as often as they are told to', () => {
    expect(hex(barGuest(1000, 10))).toEqual([
      '30008337', // lui t1, 0x30008
      '00a00293', // addi t0, zero, 10
      '000014b7', // lui s1, 0x1
      '00100937', // lui s2, 0x100
      '400003b7', // lui t2, 0x40000
      '00200e13', // addi t3, zero, 2
      '00732823', // place: sw t2, 16(t1)
      '01c31223', // sh t3, 4(t1)
      '00930333', // add t1, t1, s1
      '012383b3', // add t2, t2, s2
      '012383b3', // add t2, t2, s2
      'fff28293', // addi t0, t0, -1
      'fe0294e3', // bne t0, zero, place
      '3000d337', // lui t1, 0x3000d
      '01032383', // lw t2, 16(t1)
      '3e800293', // addi t0, zero, 1000
      '0123c3b3', // move: xor t2, t2, s2
      '00732823', // sw t2, 16(t1)
      'fff28293', // addi t0, t0, -1
      'fe029ae3', // bne t0, zero, move
      '0003a283', // lw t0, 0(t2)
      '01000337', // lui t1, 0x1000
      '0ed30313', // addi t1, t1, 0xed
      '000133b7', // lui t2, 0x13
      '33338393', // addi t2, t2, 0x333
      '00629663', // bne t0, t1, stop
      ...STOP,
    ]);
  });

  const guests = [
    ['of one hart that reads', uartReads(1), 1001],
    ['of two harts that read', uartReads(2), 1001],
    ['that loads from RAM', ramPasses, 3],
    ['that moves a BAR', barMoves(10), 11],
  ] as const;
  test.skipIf(noQemu !== null).each(guests)(
    `one %s stops its machine${skipped(noQemu)}`,
    (_what, guest, times) => {
      expect(runGuest(guest, times)).toBeGreaterThan(0); // throws unless what it saw was right
    },
  );
});

describe('without the programs it needs', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'flatview-path-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const benchNative = () => {
    const args = ['--import', 'tsx', 'bench/run.ts', '--native', '--only', 'native/', '--json'];
    const env = { ...process.env, PATH: folder };
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: root,
      encoding: 'utf8',
      env,
    });
    return { status, rows: JSON.parse(stdout) as unknown[], lines: stderr.trim().split('\n') };
  };

  test('--native says in a line each what is missing and which package brings it', () => {
    expect(benchNative()).toEqual({
      status: 0,
      rows: [],
      lines: [
        'rows of native C are skipped: there is no C compiler "cc" (Debian: apt-get install gcc)',
        'rows of QEMU are skipped: there is no qemu-system-riscv64 (Debian: apt-get install qemu-system-misc)',
      ],
    });
  });

  test('a compiler that finds no liburcu is told apart from none', () => {
    writeFileSync(join(folder, 'cc'), '#!/bin/sh\nexit 1\n');
    chmodSync(join(folder, 'cc'), 0o755);
    expect(benchNative().lines[0]).toBe(
      'rows of native C are skipped: liburcu and its headers are missing (Debian: apt-get install liburcu-dev)',
    );
  });
});
