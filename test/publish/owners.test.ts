/** A published view holds the owners of what it shows until its grace period has passed. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { Owner } from '../../src/model/owner.ts';
import { transaction } from '../../src/model/transaction.ts';
import { BenchMachine } from '../support/bench-machine.ts';
import { codeOf } from '../support/code-of.ts';

const PAGE = 0x1000;
let machine: BenchMachine;
let owner: Owner;
let root: MemoryRegion;
let ram: MemoryRegion;
beforeEach(() => {
  machine = new BenchMachine({ ramBytes: 2 * PAGE });
  owner = new Owner('/machine/dimm0');
  root = MemoryRegion.container('root', 2n ** 64n);
  ram = MemoryRegion.ram('ram', PAGE, { owner });
});
afterEach(() => machine.close());

test('for each of its ranges, and its maker and container besides', () => {
  root.addSubregion(0, ram);
  root.addSubregionOverlap(16, MemoryRegion.io('hole', 16, null), 1);
  machine.show('memory', root);
  expect(owner.refCount).toBe(4); // below the hole and above it
  const again = MemoryRegion.alias('again', ram, 0, PAGE);
  root.addSubregion(0x8000, again);
  expect(owner.refCount).toBe(5);
  again.setEnabled(false);
  expect(owner.refCount).toBe(5); // the view before is not reclaimed yet
  machine.checkpoint();
  machine.grace.poll();
  expect(owner.refCount).toBe(4);
});

test('its end comes after the last reader of the view has passed a checkpoint, and frees its RAM', async () => {
  root.addSubregion(0, ram);
  const { port } = machine.show('memory', root);
  port.store32(0, 0, 42);
  root.delSubregion(ram);
  const ended = owner.destroy();
  for (let turn = 0; turn < 10; turn += 1) await nextTurn();
  expect(owner.isFinalized).toBe(false);
  expect(port.load32(0, 0)).toBe(42);
  machine.checkpoint();
  expect(port.load32(0, 0)).toBe(0);
  machine.grace.poll();
  await nextTurn();
  machine.checkpoint(); // the RAM has a grace period of its own
  machine.grace.poll();
  await ended;
  expect(ram.isFinalized).toBe(true);
  expect(machine.ram.blocksOf(MemoryRegion.ram('ram', 2 * PAGE))).toHaveLength(1);
  expect(codeOf(() => machine.ram.blocksOf(ram))).toBe('REGION_FINALIZED');
});

test('an alias of another owner keeps what it shows alive, as long as the view shows it', async () => {
  const window = MemoryRegion.alias('window', ram, 0, PAGE);
  root.addSubregion(0, window);
  machine.show('memory', root);
  void owner.destroy();
  for (let turn = 0; turn < 10; turn += 1) await nextTurn();
  expect(owner.isFinalized).toBe(false);
  window.setEnabled(false);
  machine.checkpoint();
  machine.grace.poll();
  await nextTurn();
  expect(owner.isFinalized).toBe(true);
});

test('a view that is not published after all holds nobody', () => {
  const tooLarge = MemoryRegion.ram('too large', 2n ** 40n);
  root.addSubregion(0, ram);
  machine.show('memory', root);
  const before = owner.refCount;
  const two = (): void => {
    root.addSubregion(0x8000, MemoryRegion.alias('again', ram, 0, PAGE));
    root.addSubregion(0x10000, tooLarge);
  };
  expect(codeOf(() => transaction(two))).toBe('RAM_EXHAUSTED');
  expect(owner.refCount).toBe(before);
});

test('a machine that is closed holds nobody', () => {
  root.addSubregion(0, ram);
  machine.show('memory', root);
  expect(ram.lifetime.backers.size).toBe(1);
  machine.close();
  expect(owner.refCount).toBe(2); // its maker, its container
  expect(ram.lifetime.backers.size).toBe(0);
});
