/** A device that is removed while a vCPU waits inside of it: every order of src/service/device-ends.ts, as a model. */
import { expect, test } from 'vitest';
import { END, type Interleaving, SAFE, step, stepsOf, walkOrders } from '../support/interleavings.ts';

const ROOT = 0;
const GENERATION = 1;
const ANNOUNCED = 2;
const WAITS = 3;

const OFFLINE = 0;
const OLD_LAYOUT = 0;
const NEW_LAYOUT = 1;

interface Variant {
  readonly reader?: readonly string[];
  readonly control?: readonly string[];
}

const READER = [
  'load root',
  'begin to wait',
  'go offline',
  'call',
  'come back',
  'checkpoint',
  'end the wait',
];
const CONTROL = ['publish', 'advance', 'grace period', 'look who waits', 'let them go on', 'tell the owner'];

function world({ reader = READER, control = CONTROL }: Variant): Interleaving {
  const words = new Int32Array(new SharedArrayBuffer(16));
  words[GENERATION] = 1;
  words[ANNOUNCED] = 1;
  let isTold = false;
  let isLate = false;
  let waits = 0;
  const announce = (): void => void Atomics.store(words, ANNOUNCED, Atomics.load(words, GENERATION));
  const flip = (): void => void Atomics.store(words, WAITS, words[WAITS]! + 1);
  const readerSteps = {
    'load root': step('load root', () => (Atomics.load(words, ROOT) === OLD_LAYOUT ? undefined : 'leave')),
    'begin to wait': step('begin to wait', flip),
    'go offline': step('go offline', () => void Atomics.store(words, ANNOUNCED, OFFLINE)),
    call: step('call', () => {
      isLate = isTold;
    }),
    'come back': step('come back', announce),
    checkpoint: step('checkpoint', announce),
    'end the wait': step('end the wait', flip),
    leave: step('leave', () => {
      Atomics.store(words, ANNOUNCED, OFFLINE);
      return END;
    }),
  };
  const controlSteps = {
    publish: step('publish', () => void Atomics.store(words, ROOT, NEW_LAYOUT)),
    advance: step('advance', () => void Atomics.store(words, GENERATION, 2)),
    'grace period': step(
      'grace period',
      () => {},
      () => [OFFLINE, 2].includes(Atomics.load(words, ANNOUNCED)),
    ),
    'look who waits': step('look who waits', () => {
      waits = Atomics.load(words, WAITS);
    }),
    'let them go on': step(
      'let them go on',
      () => {},
      () => waits % 2 === 0 || Atomics.load(words, WAITS) !== waits,
    ),
    'tell the owner': step('tell the owner', () => {
      isTold = true;
    }),
  };
  const chosen = <T>(steps: Readonly<Record<string, T>>, names: readonly string[]): T[] =>
    names.map((name) => steps[name]!);
  return {
    threads: [
      stepsOf('reader', ...chosen(readerSteps, reader), readerSteps.leave),
      stepsOf('control', ...chosen(controlSteps, control)),
    ],
    verdict: () => (isLate ? 'the device was called after its owner was told' : SAFE),
  };
}

const without = (names: readonly string[], ...left: readonly string[]): readonly string[] =>
  names.filter((name) => !left.includes(name));

test('its owner is told after the call, and told, in every order', () => {
  const walk = walkOrders(() => world({}));
  expect(walk.firstBad).toBe('');
  expect(walk.orders).toBeGreaterThan(100);
});

test.each<[string, Variant]>([
  ['a grace period alone', { control: without(CONTROL, 'look who waits', 'let them go on') }],
  ['waiting without saying so', { reader: without(READER, 'begin to wait', 'end the wait') }],
  [
    'going offline before saying so',
    {
      reader: ['load root', 'go offline', 'begin to wait', 'call', 'come back', 'checkpoint', 'end the wait'],
    },
  ],
  [
    'ending the wait before the call',
    {
      reader: ['load root', 'begin to wait', 'go offline', 'end the wait', 'call', 'come back', 'checkpoint'],
    },
  ],
  [
    'looking who waits before the grace period',
    { control: ['publish', 'advance', 'look who waits', 'let them go on', 'grace period', 'tell the owner'] },
  ],
])('the walk convicts %s', (_what, variant) => {
  expect(walkOrders(() => world(variant)).unsafe).toBeGreaterThan(0);
});
