/** What the recorded histories' machine keeps to, whatever is done to it: vCPUs and checker rely on it. */
import { expect, test } from 'vitest';
import { Random } from '../../src/verify/random.ts';
import {
  AREA_PAGES,
  AREA_START,
  firstLayout,
  nextEdits,
  PAGE_BYTES,
  SPACES,
} from '../../stress/linearizability/churned-layout.ts';
import {
  answerAt,
  edited,
  type RecordedKind,
  type RecordedLayout,
} from '../../stress/linearizability/recorded-layout.ts';

const SEEDS = Array.from({ length: 20 }, (_, seed) => seed);
const LAYOUTS = 20;
/** Addresses looked at in each page: its start, its end, and in its middle. */
const OFFSETS = [0, 1, 0x7fc, 0x801, 0xe05, 0xe14, PAGE_BYTES - 1];

/** Who answers at the addresses of a layout. */
const answers = (layout: RecordedLayout) =>
  layout.roots.flatMap((root, space) =>
    Array.from({ length: AREA_PAGES }, (_, page) =>
      OFFSETS.map((offset) => {
        const address = AREA_START + page * PAGE_BYTES + offset;
        return { space, address, answer: answerAt(layout, root, address) };
      }),
    ).flat(),
  );

function* layoutsFrom(seed: number): Generator<RecordedLayout> {
  const random = new Random(seed);
  let layout = firstLayout(random);
  for (let count = 0; count < LAYOUTS; count += 1) {
    yield layout;
    layout = nextEdits(layout, random).reduce(edited, layout);
  }
}

test('RAM has the offset in its page that the address has, and homed devices lie on multiples of eight', () => {
  const moduli: Partial<Record<RecordedKind, number>> = { ram: PAGE_BYTES, homed: 8 };
  for (const seed of SEEDS.slice(0, 4)) {
    for (const layout of layoutsFrom(seed)) {
      const faults = answers(layout).filter(({ address, answer }) => {
        const modulus = answer === null ? undefined : moduli[answer.kind];
        return modulus !== undefined && (address - answer!.offset) % modulus !== 0;
      });
      expect(faults, `seed ${seed}`).toEqual([]);
    }
  }
});

test('every kind of answer comes, in both spaces that vCPUs use', () => {
  const seen = new Set<string>();
  for (const seed of SEEDS) {
    for (const layout of [...layoutsFrom(seed)].slice(-3)) {
      for (const { space, answer } of answers(layout)) {
        const kind = answer === null ? 'hole' : answer.readonly ? `readonly ${answer.kind}` : answer.kind;
        if (SPACES[space] !== 'ram') seen.add(`${SPACES[space]}: ${kind}`);
      }
    }
  }
  const kinds = ['hole', 'homed', 'local', 'ram', 'readonly ram'];
  expect([...seen]).toEqual(
    expect.arrayContaining(['memory', 'other'].flatMap((space) => kinds.map((kind) => `${space}: ${kind}`))),
  );
});
