/** RAM with the bytes of a file: what is read, what is written back, and every file that will not do. */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import type { RamFileOptions } from '../../src/model/ram-file.ts';
import { Machine } from '../../src/service/machine.ts';
import { codeOf } from '../support/code-of.ts';
import { messageOf } from '../support/message-of.ts';

const BYTES = Uint8Array.from({ length: 100 }, (_, index) => index);
let folder: string;
let path: string;
let machine: Machine;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flatview-ram-'));
  path = join(folder, 'flash.bin');
  writeFileSync(path, BYTES);
  machine = new Machine({ ramReserveBytes: 2 ** 16, arenaBytes: 2 ** 20 });
});
afterEach(async () => {
  await machine.close().catch(() => {});
  rmSync(folder, { recursive: true });
});

const fromFile = (options: Partial<RamFileOptions> = {}): MemoryRegion =>
  MemoryRegion.ramFromFile('flash', { path, ...options });
const inFile = (offset: number, count: number): number[] => [
  ...readFileSync(path).subarray(offset, offset + count),
];

describe('its bytes', () => {
  test.each<[string, Partial<RamFileOptions>, number[]]>([
    ['all of the file', {}, [...BYTES]],
    ['from an offset to the end', { offset: 97 }, [97, 98, 99]],
    ['a part', { offset: 3, sizeBytes: 5 }, [3, 4, 5, 6, 7]],
    ['none at the end', { offset: 100 }, []],
  ])('are %s', (_what, options, bytes) => {
    const region = fromFile(options);
    expect(region.size).toBe(BigInt(bytes.length));
    expect([...machine.readRam(region, 0, bytes.length)]).toEqual(bytes);
  });

  test('stay what they are when the file is changed or gone', () => {
    const region = fromFile();
    writeFileSync(path, 'other');
    expect([...machine.readRam(region, 0, 3)]).toEqual([0, 1, 2]);
    unlinkSync(path);
    expect([...machine.readRam(region, 99, 1)]).toEqual([99]);
  });

  test('of a readonly file make a ROM', () => {
    expect(fromFile({ readonly: true })).toMatchObject({ kind: 'ram', readonly: true, migratable: false });
    expect(fromFile().readonly).toBe(false);
  });
});

describe('syncRam', () => {
  test('writes what it is told, at its place in the file', () => {
    const region = fromFile({ offset: 10, sizeBytes: 80 });
    machine.writeRam(region, 0, new Uint8Array(80).fill(255));
    expect(inFile(10, 1)).toEqual([10]);
    machine.syncRam(region, 4, 2);
    expect(inFile(13, 4)).toEqual([13, 255, 255, 16]);
    machine.syncRam(region, 70);
    expect(inFile(79, 12)).toEqual([79, ...Array<number>(10).fill(255), 90]);
    machine.syncRam(region);
    expect(inFile(9, 3)).toEqual([9, 255, 255]);
  });

  test.each<[string, (region: MemoryRegion) => void, string]>([
    ['more than there is', (region) => machine.syncRam(region, 90, 11), 'INVALID_ARGUMENT'],
    ['a start past the end', (region) => machine.syncRam(region, 101), 'INVALID_ARGUMENT'],
    ['a negative start', (region) => machine.syncRam(region, -1, 1), 'INVALID_ARGUMENT'],
    ['half a byte', (region) => machine.syncRam(region, 0, 0.5), 'INVALID_ARGUMENT'],
    ['other RAM', () => machine.syncRam(MemoryRegion.ram('ram', 16)), 'RAM_NOT_FROM_FILE'],
    ['a readonly file', () => machine.syncRam(fromFile({ readonly: true })), 'RAM_FILE_READONLY'],
  ])('refuses %s', (_what, body, code) => {
    const region = fromFile();
    expect(codeOf(() => body(region))).toBe(code);
    expect(readFileSync(path)).toEqual(Buffer.from(BYTES));
  });

  test('of a file that is gone fails, and does not make another', () => {
    const region = fromFile();
    unlinkSync(path);
    expect(codeOf(() => machine.syncRam(region))).toBe('RAM_FILE_UNUSABLE');
    expect(existsSync(path)).toBe(false);
  });
});

describe('is written back by itself', () => {
  test.each([
    [true, 7],
    [false, 0],
  ])('when the machine is closed, where writeBack is %s', async (writeBack, byte) => {
    machine.writeRam(fromFile({ writeBack }), 0, Uint8Array.of(7));
    await machine.close();
    expect(inFile(0, 2)).toEqual([byte, 1]);
  });

  test('when its region is finalised', async () => {
    const region = fromFile({ writeBack: true });
    machine.writeRam(region, 1, Uint8Array.of(9));
    await machine.finalizeRegion(region);
    expect(inFile(0, 2)).toEqual([0, 9]);
  });

  test('or close() says why not, when all the rest is done', async () => {
    machine.writeRam(fromFile({ writeBack: true }), 0, Uint8Array.of(7));
    unlinkSync(path);
    const other = join(folder, 'other.bin');
    writeFileSync(other, 'abc');
    const second = MemoryRegion.ramFromFile('second', { path: other, writeBack: true });
    machine.writeRam(second, 0, Uint8Array.of(65));
    await expect(machine.close()).rejects.toMatchObject({ code: 'RAM_FILE_UNUSABLE' });
    expect(readFileSync(other, 'latin1')).toBe('Abc');
  });
});

describe('a file that will not do:', () => {
  test.each<[string, Partial<RamFileOptions> | (() => Partial<RamFileOptions>), RegExp]>([
    [
      'one that is missing',
      () => ({ path: join(folder, 'none') }),
      /^RAM_FILE_UNUSABLE: region 'flash': '.*none' cannot be opened.*ENOENT/,
    ],
    ['a directory', () => ({ path: folder }), /^RAM_FILE_UNUSABLE: .*EISDIR/],
    ['a directory to read', () => ({ path: folder, readonly: true }), /^RAM_FILE_UNUSABLE: .*no[t]? a file/],
    ['one that is too short', { sizeBytes: 101 }, /^RAM_FILE_TOO_SHORT: .*has 100 bytes, but 101 are needed/],
    ['one that ends before the offset', { offset: 101 }, /^RAM_FILE_TOO_SHORT: .*but 101 are needed/],
    ['half an offset', { offset: 0.5 }, /^INVALID_ARGUMENT: .*offset must be a whole number/],
    ['a negative size', { sizeBytes: -1 }, /^INVALID_ARGUMENT: .*sizeBytes must be a whole number/],
    [
      'one to be read only, and written back',
      { readonly: true, writeBack: true },
      /^INVALID_ARGUMENT: .*choose one/,
    ],
  ])('%s', (_what, options, message) => {
    expect(messageOf(() => fromFile(typeof options === 'function' ? options() : options))).toMatch(message);
  });

  test('one of more than 4 GiB', () => {
    truncateSync(path, 2 ** 32 + 8); // takes no disk
    expect(messageOf(() => fromFile())).toMatch(/^RAM_EXHAUSTED: .*smaller sizeBytes/);
  });

  test.skipIf(process.getuid?.() === 0)('one that may not be written, unless it is readonly', () => {
    chmodSync(path, 0o444);
    expect(messageOf(() => fromFile())).toMatch(/^RAM_FILE_UNUSABLE: .*readonly: true/);
    expect(fromFile({ readonly: true }).size).toBe(100n);
  });

  test('one that became shorter than it was when written is made longer again', () => {
    const region = fromFile();
    truncateSync(path, 10);
    machine.syncRam(region);
    expect(readFileSync(path)).toEqual(Buffer.from(BYTES));
  });
});
