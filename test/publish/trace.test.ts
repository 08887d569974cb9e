/** Trace points of views: who subscribes hears of their making and their end. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ViewEvent } from '../../src/base/trace.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { BenchMachine } from '../support/bench-machine.ts';

const heard: [string, ViewEvent][] = [];
const hear = (message: unknown, name: string | symbol): void => {
  heard.push([String(name).slice('flatview:view-'.length), message as ViewEvent]);
};
const channels = ['create', 'retire', 'destroy'].map((end) => `flatview:view-${end}`);

let machine: BenchMachine;
beforeEach(() => {
  machine = new BenchMachine();
  heard.length = 0;
  for (const name of channels) subscribe(name, hear);
});
afterEach(() => {
  for (const name of channels) unsubscribe(name, hear);
  machine.close();
});

test('a view is created, retired, and destroyed after its grace period and the last hold', () => {
  const ram = MemoryRegion.ram('ram', 0x1000);
  const root = MemoryRegion.container('root', 2n ** 64n);
  root.addSubregion(0, ram);
  root.addSubregion(0x10000, MemoryRegion.ram('more', 0x1000));
  const { port } = machine.show('memory', root);
  machine.checkpoint();
  const hold = port.holdView();
  ram.setAddress(0x1000);
  const [first, second] = heard.map(([, event]) => event);
  expect(first).toMatchObject({ rootName: 'root', sectionCount: 2 });
  expect(first!.sizeBytes).toBeGreaterThan(0);
  expect(second!.sizeBytes, 'it shares a section with the one before').toBeLessThan(first!.sizeBytes + 1);
  expect(heard.map(([what, event]) => `${what} ${event.version}`)).toEqual([
    `create ${first!.version}`,
    `create ${second!.version}`,
    `retire ${first!.version}`,
  ]);
  machine.checkpoint();
  machine.grace.poll();
  expect(heard).toHaveLength(3);
  hold.release();
  machine.publisher.store.poll();
  expect(heard.slice(3)).toEqual([['destroy', { ...first, sizeBytes: heard[2]![1].sizeBytes }]]);
});

test('nobody listening, nothing is said', () => {
  for (const name of channels) unsubscribe(name, hear);
  machine.show('memory', MemoryRegion.ram('ram', 0x1000));
  expect(heard).toEqual([]);
});
