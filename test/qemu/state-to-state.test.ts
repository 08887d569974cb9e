/**
 * From any state of a captured sequence to any other, through the real publisher, which renders again only what
 * a transaction touched: what readers find is what QEMU 7.2 printed for that state. A transaction that is
 * refused at its very end leaves the state before.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { controlDevice } from '../../src/base/device-binding.ts';
import type { AddressSpace } from '../../src/model/address-space.ts';
import type { MemoryRegion } from '../../src/model/memory-region.ts';
import { registerParticipant, unregisterParticipant } from '../../src/model/transaction.ts';
import { type FlatJson, flatJsonFromViews, flatJsonOf } from '../../src/qemu/flat-json.ts';
import { LiveLayout } from '../../src/qemu/live-layout.ts';
import { parseSequence, type SequenceStep } from '../../src/qemu/sequence-file.ts';
import type { FlatView } from '../../src/render/flat-view.ts';
import { BenchMachine } from '../support/bench-machine.ts';
import { type Capture, inOneOrder, sequenceCaptures } from '../support/captures.ts';
import { treeState } from '../support/tree-state.ts';

const STATES_PER_SEQUENCE = 24;
const JUMPS_PER_SEQUENCE = 48;

const fixtures = fileURLToPath(new URL('fixtures/sequences/', import.meta.url));
const captures: readonly Capture[] = [
  ...sequenceCaptures(),
  ...readdirSync(fixtures).map((file) => ({
    name: file.replace(/\.json$/, ''),
    text: readFileSync(`${fixtures}${file}`, 'utf8'),
  })),
];

let machine: BenchMachine;
let live: LiveLayout;

beforeEach(() => {
  machine = new BenchMachine({ arenaBytes: 2 ** 25, garbageBytesMax: 2 ** 25 });
  const registers = controlDevice({ read: () => 0, write: () => {} });
  live = new LiveLayout({
    bindDevice: () => registers,
    host: {
      addAddressSpace: (space) => machine.publisher.add(space),
      removeAddressSpace: (space) => {
        if (machine.publisher.has(space)) machine.publisher.remove(space);
      },
    },
  });
});
afterEach(() => machine.close());

describe('from any state to any other', () => {
  test.each(captures)('$name', ({ name, text }) => {
    const { steps } = parseSequence(text, `${name}.json`);
    const states = steps.filter((_, index) => index % Math.ceil(steps.length / STATES_PER_SEQUENCE) === 0);
    const next = pseudoRandom(steps.length);
    const jumps = Array.from({ length: JUMPS_PER_SEQUENCE }, () => states[next() % states.length]!);
    for (const [index, state] of [...states, ...jumps].entries()) {
      if (index % 3 === 2) refuseOnce(state);
      live.apply(state);
      machine.checkpoint();
      const where = `${index}: ${state.action}`;
      expect({ where, flat: inOneOrder(publishedFlat()) }).toEqual({ where, flat: inOneOrder(state.flat!) });
    }
  });
});

/** Tries the way to `state` while a participant refuses it, after the publisher has prepared its views. */
function refuseOnce(state: SequenceStep): void {
  const regions = [...live.regionsById.values()];
  const spaces = live.addressSpaces;
  const before = { tree: treeState(regions, spaces), flat: flatJsonOf(spaces), views: views(spaces) };
  const refusing = {
    prepare: (): never => {
      throw new Error('refused');
    },
  };
  registerParticipant(refusing);
  try {
    live.apply(state);
  } catch (error) {
    expect(error).toMatchObject({ message: 'refused' });
  } finally {
    unregisterParticipant(refusing);
  }
  expect(live.addressSpaces).toEqual(spaces);
  expect({ tree: treeState(regions, spaces), flat: flatJsonOf(spaces), views: views(spaces) }).toEqual(
    before,
  );
}

const views = (spaces: readonly AddressSpace[]): FlatView[] =>
  spaces.map((space) => machine.publisher.flatViewOf(space));

/** What the publisher shows, not what would be rendered now. */
function publishedFlat(): FlatJson[] {
  const shared = new Map<MemoryRegion | null, { spaces: AddressSpace[]; view: FlatView }>();
  for (const space of live.addressSpaces) {
    const view = machine.publisher.flatViewOf(space);
    const known = shared.get(view.root);
    if (known === undefined) shared.set(view.root, { spaces: [space], view });
    else {
      expect(known.view).toBe(view);
      known.spaces.push(space);
    }
  }
  return flatJsonFromViews([...shared.values()]);
}

/** Positive integers that are the same in every run. */
function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 8;
  };
}
