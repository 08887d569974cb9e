/**
 * docs/PARITY.md: that it is whole, that what it names is there, and the tests of rows and quirks that have no
 * better place.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AccessRules, fullAccessRules } from '../src/base/access-rules.ts';
import { controlDevice, type DeviceCallbacks } from '../src/base/device-binding.ts';
import { MEMTX_ACCESS_ERROR, MEMTX_DECODE_ERROR, MEMTX_OK } from '../src/base/mem-tx-result.ts';
import { GraceReader } from '../src/grace/reader.ts';
import { createControlBlock, WORD_DEVICE_LOCK } from '../src/layout/control-block.ts';
import { AddressSpace } from '../src/model/address-space.ts';
import { MemoryRegion } from '../src/model/memory-region.ts';
import { transaction } from '../src/model/transaction.ts';
import type { Publication } from '../src/publish/publications.ts';
import { printMtree } from '../src/qemu/mtree-printer.ts';
import { renderFlatView } from '../src/render/render.ts';
import { viewRootOf } from '../src/render/view-root.ts';
import { Machine } from '../src/service/machine.ts';
import type { MachineOptions } from '../src/service/machine-options.ts';
import { DeviceTable } from '../src/vcpu/device-table.ts';
import type { MemoryPort } from '../src/vcpu/memory-port.ts';
import { ReaderSession } from '../src/vcpu/reader-session.ts';
import { BenchMachine, registers } from './support/bench-machine.ts';
import { at, container, draw, io, ram, rangesOf } from './support/drawing.ts';
import { projectRoot } from './tidy/project.ts';

const PAGE = 0x1000;
const page = readFileSync(join(projectRoot, 'docs/PARITY.md'), 'utf8');

/** The cells of all table rows whose first cell matches. */
const rows = (first: RegExp): string[][] =>
  page
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .slice(2, -2)
        .split(' | ')
        .map((cell) => cell.trim()),
    )
    .filter(([cell]) => first.test(cell!));

interface Cited {
  readonly file: string;
  readonly title: string;
}

/** `test/a.test.ts` "one title", "another": titles belong to the file before them. */
function citedTests(cell: string): Cited[] {
  let file = 'no file';
  return [...cell.matchAll(/`([^`]+)`|"([^"]+)"/g)].flatMap(([, path, title]) => {
    if (title !== undefined) return [{ file, title }];
    file = path!;
    return [];
  });
}

/** The title stands there as a whole, whatever its quotes. */
function isThere({ file, title }: Cited): boolean {
  if (!file.endsWith('.test.ts') || !existsSync(join(projectRoot, file))) return false;
  const text = readFileSync(join(projectRoot, file), 'utf8');
  return ["'", '"', '`'].some((quote) => text.includes(`${quote}${title}${quote}`));
}

describe('the page', () => {
  const capabilities = rows(/^\d+$/).map(([number, name, priority, state, where, shown]) => ({
    number: Number(number),
    ...{ name, priority, state: state!, where: where!, shown: shown! },
  }));
  const quirks = rows(/^Q\d+$/).map(([id, name, decision, reason, where, shown]) => ({
    id,
    ...{ name, decision: decision!, reason: reason!, where: where!, shown: shown! },
  }));

  test('has rows 1 to 130, each with a name, a priority and a state', () => {
    expect(capabilities.map(({ number }) => number)).toEqual(Array.from({ length: 130 }, (_, i) => i + 1));
    for (const { number, name, priority, state } of capabilities) {
      expect(name, `row ${number}`).not.toBe('');
      expect(['core', 'expected', 'rare'], `row ${number}`).toContain(priority);
      expect(['done', 'partly', 'next', 'later', 'declined'], `row ${number}`).toContain(state);
    }
  });

  test('names code and a test for what is done, what is missing for what is not, a reason for what will not be', () => {
    const told = ({ state, where, shown }: (typeof capabilities)[number]): boolean => {
      if (state === 'done') return /`src\//.test(where) && citedTests(shown).length > 0;
      if (state === 'partly') return /`src\//.test(where) && shown.startsWith('missing: ');
      return where === '' && (state === 'next') === (shown === '');
    };
    expect(capabilities.filter((row) => !told(row))).toEqual([]);
  });

  test('counts its rows by state', () => {
    const counts = rows(/^(?:done|partly|next|later|declined)$/).map(([state, count]) => [
      state,
      Number(count),
    ]);
    expect(counts).toHaveLength(5);
    for (const [state, count] of counts) {
      expect([state, capabilities.filter((row) => row.state === state).length]).toEqual([state, count]);
    }
  });

  test('decides quirks Q1 to Q18, each with a reason, and names a test for each that applies', () => {
    expect(quirks.map(({ id }) => id)).toEqual(Array.from({ length: 18 }, (_, i) => `Q${i + 1}`));
    for (const { id, name, decision, reason, shown } of quirks) {
      expect(['keep', 'fix', 'option'], id).toContain(decision);
      expect([name, reason], id).not.toContain('');
      expect(citedTests(shown), id).not.toEqual([]);
    }
  });

  test('names only files and tests that are there', () => {
    const files = [...page.matchAll(/`((?:src|test|docs|machines)\/[^`]+)`/g)].map(([, file]) => file!);
    expect(files.length).toBeGreaterThan(100);
    expect(files.filter((file) => !existsSync(join(projectRoot, file)))).toEqual([]);
    const cited = [...capabilities, ...quirks].flatMap(({ shown }) => citedTests(shown));
    expect(cited.length).toBeGreaterThan(60);
    expect(cited.filter((each) => !isThere(each))).toEqual([]);
  });
});

describe('mutators', () => {
  test('a child added without a priority has priority 0', () => {
    const [child, above] = [io('C', PAGE), io('A', PAGE)];
    const tree = container('T', PAGE, [at(0, io('L', PAGE), -1), at(0, above, 1)]);
    tree.addSubregion(0, child);
    expect(child.priority).toBe(0);
    expect(draw(tree)).toBe('A');
    above.setEnabled(false);
    expect(draw(tree)).toBe('C');
  });

  test('setSize grows and shrinks what a region shows', () => {
    const child = io('A', PAGE);
    const tree = container('T', 4 * PAGE, [at(PAGE, child)]);
    expect(draw(tree)).toBe('.A..');
    child.setSize(2 * PAGE);
    expect(draw(tree)).toBe('.AA.');
    child.setSize(0);
    expect(draw(tree)).toBe('....');
    tree.setSize(1n << 64n);
    child.setSize(1n << 64n);
    expect(rangesOf(tree)).toEqual(['1000-ffffffffffffffff A+0']);
  });

  test('setAliasOffset switches banks', () => {
    const banks = container('banks', 2 * PAGE, [at(0, io('A', PAGE)), at(PAGE, io('B', PAGE))]);
    const window = MemoryRegion.alias('window', banks, 0, PAGE);
    const tree = container('T', 2 * PAGE, [at(0, window), at(PAGE, io('C', PAGE))]);
    expect(draw(tree)).toBe('AC');
    window.setAliasOffset(PAGE);
    expect(draw(tree)).toBe('BC');
  });

  test('setReadonly makes a ROM of RAM and RAM of it again', () => {
    const child = ram('A', PAGE);
    const tree = container('T', 2 * PAGE, [at(0, child), at(PAGE, ram('B', PAGE))]);
    child.setReadonly(true);
    expect(draw(tree)).toBe('aB');
    child.setReadonly(false);
    expect(draw(tree)).toBe('AB');
  });

  test('setNonvolatile marks what is rendered', () => {
    const child = ram('A', PAGE);
    const tree = container('T', PAGE, [at(0, child)]);
    child.setNonvolatile(true);
    expect(rangesOf(tree)).toEqual(['0-fff A+0 nv']);
    child.setNonvolatile(false);
    expect(rangesOf(tree)).toEqual(['0-fff A+0']);
  });
});

test('a device without the lock is called while another vCPU holds it', () => {
  const words = createControlBlock();
  const session = new ReaderSession(words, new GraceReader(words, 0));
  const table = new DeviceTable(words, session, () => {});
  session.attach();
  words[WORD_DEVICE_LOCK] = 7; // another's; whoever asks for it now waits for ever
  const module = new URL('vcpu/modules/device.mjs', import.meta.url).href;
  const state = new SharedArrayBuffer(64);
  table.attach(0, 'chip', {
    placement: 'local',
    lock: 'none',
    module,
    exportName: 'registers',
    state,
    data: 0,
    rules: fullAccessRules(),
    guard: null,
  });
  table.write(0, 8, 4, 5, 0, 0);
  expect([table.read(0, 8, 4, 0), table.result]).toEqual([5, MEMTX_OK]);
  expect(words[WORD_DEVICE_LOCK]).toBe(7);
});

describe('a machine', () => {
  const serve = (
    callbacks: DeviceCallbacks,
    access: AccessRules,
    options: MachineOptions = {},
  ): MemoryPort => {
    machine = new Machine({ ramReserveBytes: 2 ** 20, arenaBytes: 2 ** 20, ...options });
    const owner = 'chip';
    const chip = MemoryRegion.io('registers', PAGE, controlDevice(callbacks, { access }), { owner });
    return machine.memory(machine.addAddressSpace('memory', chip));
  };
  let machine: Machine;
  afterEach(() => machine.close());

  test.each([
    ['little', [0x44, 0x33, 0x22, 0x11]],
    ['big', [0x11, 0x22, 0x33, 0x44]],
  ] as const)('a device of native order has that of the machine', (guestEndianness, bytes) => {
    const callbacks = { read: () => 0x11223344, write: () => {} };
    const memory = serve(callbacks, { endianness: 'native', impl: { min: 4 } }, { guestEndianness });
    const all = new Uint8Array(4);
    expect([memory.readBytes(0, all), [...all]]).toEqual([MEMTX_OK, bytes]);
  });

  test.each([
    [true, MEMTX_OK, 7],
    [false, MEMTX_ACCESS_ERROR, 0],
  ])(
    'a device that opted out of the guard is reached from inside its own access',
    (disableReentrancyGuard, result, value) => {
      const inside: unknown[] = [];
      const memory = serve(
        {
          read: (offset) => {
            if (offset === 4) return 7;
            inside.push(memory.load32(0, 4), memory.result);
            return 0;
          },
          write: () => {},
        },
        { disableReentrancyGuard },
        { onDeviceReport: () => {} },
      );
      memory.load32(0, 0);
      expect([memory.result, inside]).toEqual([MEMTX_OK, [value, result]]);
    },
  );
});

describe('what a vCPU sees', () => {
  let machine: BenchMachine;
  beforeEach(() => {
    machine = new BenchMachine();
  });
  afterEach(() => machine.close());

  test('inside a transaction the map is the one before, also past a checkpoint', () => {
    const low = ram('low', PAGE);
    const { port } = machine.show('memory', container('root', 1n << 64n, [at(0, low)]));
    port.store8(0, 0, 1);
    transaction(() => {
      low.setAddress(PAGE);
      machine.checkpoint();
      expect(port.load8(0, 0)).toBe(1);
    });
    machine.checkpoint();
    port.load8(0, 0);
    expect([port.result, port.load8(0, PAGE)]).toEqual([MEMTX_DECODE_ERROR, 1]);
  });

  test('Q2: neither a store nor a bulk write passes a read-only alias', () => {
    const dram = ram('dram', 2 * PAGE);
    const shadow = MemoryRegion.alias('shadow', dram, 0, PAGE, { readonly: true });
    const { port } = machine.show('memory', container('root', 0x10000, [at(0, dram), at(0x8000, shadow)]));
    port.store32(0, 0, 0x11223344);
    port.store32(0, 0x8000, 0x55667788);
    expect(port.result, 'a vCPU’s store is discarded without a fault').toBe(MEMTX_OK);
    expect(port.writeBytes(0x8000, Uint8Array.of(1, 2, 3, 4))).toBe(MEMTX_DECODE_ERROR);
    expect([port.load32(0, 0), port.load32(0, 0x8000)]).toEqual([0x11223344, 0x11223344]);
  });

  test('Q4: a read of a ROM device ends with its section', () => {
    const flash = MemoryRegion.romDevice('flash', PAGE, registers(PAGE).device);
    const window = MemoryRegion.alias('window', flash, 0, 2);
    const next = ram('next', PAGE);
    const { port } = machine.show('memory', container('root', 0x10000, [at(0, window), at(2, next)]));
    machine.ram.eachPiece(flash, 0n, 4, (bytes) => bytes.set([1, 2, 3, 4]));
    machine.ram.eachPiece(next, 0n, 2, (bytes) => bytes.set([8, 9]));
    expect([port.load32(0, 0), port.result]).toEqual([0x09080201, MEMTX_OK]);
    const bytes = new Uint8Array(4);
    expect([port.readBytes(0, bytes), ...bytes]).toEqual([MEMTX_OK, 1, 2, 8, 9]);
  });

  test('Q8: a value across a border is put together from both sides', () => {
    const { callbacks, device } = registers(16);
    const low = ram('low', PAGE + 6);
    const chip = MemoryRegion.io('chip', 16, device);
    const { port } = machine.show('memory', container('root', 0x10000, [at(0, low), at(PAGE + 6, chip)]));
    port.store64(0, PAGE + 2, 0x08070605, 0x04030201);
    expect([...callbacks.bytes.subarray(0, 5), port.result]).toEqual([5, 6, 7, 8, 0, MEMTX_OK]);
    expect([port.load64(0, PAGE + 2), port.high]).toEqual([0x04030201, 0x08070605]);
  });

  test('Q15: the end of an address space is published with all that it showed', () => {
    const { space } = machine.show('memory', container('root', 0x10000, [at(PAGE, ram('R', PAGE))]));
    const seen: Publication[] = [];
    machine.publisher.onPublication((publication) => seen.push(publication));
    machine.publisher.remove(space);
    expect(seen.map(({ changed }) => changed)).toEqual([
      [{ addressSpace: space, windows: [{ start: 0x1000n, last: 0x1fffn }] }],
    ]);
  });
});

test('70,000 sections in one view: each address finds its own', () => {
  const count = 70_000; // more than 16 bits can number
  const machine = new BenchMachine({ arenaBytes: 2 ** 24 });
  const bytes = ram('bytes', 4 * count);
  const root = container('root', 1n << 64n);
  // Back to front, so that no two neighbours are one range.
  transaction(() => {
    for (let i = 0; i < count; i += 1) {
      root.addSubregion(4 * i, MemoryRegion.alias('window', bytes, 4 * (count - 1 - i), 4));
    }
  });
  machine.ram.eachPiece(bytes, 0n, 4 * count, (piece, done) => {
    new Int32Array(piece.buffer, piece.byteOffset, piece.length / 4).forEach((_, i, words) => {
      words[i] = done / 4 + i;
    });
  });
  const { space, port } = machine.show('memory', root);
  expect(machine.publisher.flatViewOf(space).ranges).toHaveLength(count);
  let wrong = 0;
  for (let i = 0; i < count; i += 1) if (port.load32(0, 4 * i) !== count - 1 - i) wrong += 1;
  machine.close();
  expect(wrong).toBe(0);
});

describe('quirks that are kept', () => {
  test('Q1: moving a region and back raises it above its equals', () => {
    const a = io('A', 2 * PAGE);
    const tree = container('T', 4 * PAGE, [
      at(0, a),
      at(PAGE, io('B', 2 * PAGE)),
      at(3 * PAGE, io('C', PAGE), 1),
    ]);
    expect(draw(tree)).toBe('ABBC');
    a.setAddress(2 * PAGE);
    expect(draw(tree)).toBe('.BAC');
    a.setAddress(0);
    expect(draw(tree)).toBe('AABC');
  });

  test('Q3: a flag of a skipped wrapper is dropped, one of a wrapper that stays is not', () => {
    const target = ram('R', PAGE);
    const flags = { readonly: true, nonvolatile: true };
    const whole = (): MemoryRegion => MemoryRegion.alias('whole', target, 0, PAGE, flags);
    const shown = (root: MemoryRegion): string[] => rangesOf(viewRootOf(root));
    expect(shown(whole())).toEqual(['0-fff R+0']);
    expect(shown(container('wrapper', PAGE, [at(0, whole())], { readonly: true }))).toEqual(['0-fff R+0']);
    const part = MemoryRegion.alias('part', target, 0, PAGE - 1, { readonly: true });
    expect(shown(part)).toEqual(['0-ffe R+0 ro']);
    const board = container('board', 2 * PAGE, [at(0, whole()), at(PAGE, io('I', PAGE))]);
    expect(shown(board)).toEqual(['0-fff R+0 ro nv', '1000-1fff I+0']);
  });

  test('Q3: a view root is rendered at its own address, whoever skipped to it', () => {
    const target = ram('R', PAGE);
    const elsewhere = container('elsewhere', 0x10000, [at(0x5000, target)]);
    const whole = MemoryRegion.alias('whole', target, 0, PAGE);
    expect(viewRootOf(whole)).toBe(target);
    expect(rangesOf(viewRootOf(whole))).toEqual(['5000-5fff R+0']);
    elsewhere.delSubregion(target);
    expect(renderFlatView(target).ranges[0]!.start, 'it keeps that address').toBe(0x5000n);
  });

  test('Q17: a hidden region’s children are printed, and containers are i/o', () => {
    const inner = container('inner', PAGE, [at(0x10, ram('bytes', 16))]);
    const hidden = io('hidden', 2 * PAGE, [at(0, inner)], { enabled: false });
    const space = new AddressSpace('memory', container('board', 4 * PAGE, [at(PAGE, hidden)]));
    expect(printMtree([space]).split('\n')).toEqual([
      'address-space: memory',
      '  0000000000000000-0000000000003fff (prio 0, i/o): board',
      '      0000000000001000-0000000000001fff (prio 0, i/o): inner',
      '        0000000000001010-000000000000101f (prio 0, ram): bytes',
      '',
      '',
    ]);
    space.setRoot(null);
  });
});
