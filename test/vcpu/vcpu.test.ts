import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MEMTX_DECODE_ERROR } from '../../src/base/mem-tx-result.ts';
import {
  GENERATION_OFFLINE,
  GENERATION_STEP,
  PHASE_FINISHED,
  PHASE_RUNNING,
  READER_ANNOUNCED,
  READER_PHASE,
  READER_RUN_STATE,
  RUN_STATE_RUN,
  RUN_STATE_STOP,
  readerWord,
  type SharedWords,
} from '../../src/layout/control-block.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { raiseInterrupt } from '../../src/vcpu/device-loader.ts';
import { Vcpu } from '../../src/vcpu/vcpu.ts';
import { BenchMachine } from '../support/bench-machine.ts';
import { SAFE, step, stepsOf, walkOrders } from '../support/interleavings.ts';

const SLOT = 4;

describe('a vCPU in this thread', () => {
  let machine: BenchMachine;
  let words: SharedWords;
  let port: MessagePort;
  let vcpu: Vcpu;

  beforeEach(() => {
    machine = new BenchMachine();
    const root = MemoryRegion.container('root', 2n ** 64n);
    root.addSubregion(0, MemoryRegion.ram('ram', 0x1000));
    machine.show('memory', root);
    machine.show('I/O', null);
    words = machine.control;
    machine.grace.addReader(SLOT);
    const channel = new MessageChannel();
    port = channel.port1;
    port.postMessage({ kind: 'address-space', index: 0, name: 'memory' });
    port.postMessage({ kind: 'address-space', index: 1, name: 'I/O' });
    vcpu = new Vcpu({
      slot: SLOT,
      machine: { control: words.buffer, arena: machine.arena.words.buffer, ...machine.ram.shared },
      port: channel.port2,
      addressSpaces: [],
    });
  });
  afterEach(() => {
    port.close();
    machine.close();
  });

  const reader = readerWord(SLOT);
  const ask = (state: number): void => {
    Atomics.store(words, reader + READER_RUN_STATE, state);
    machine.grace.advance();
  };
  const moveRam = (): void => {
    const ram = MemoryRegion.ram('more', 0x1000);
    const root = [...machine.publisher.addressSpaces][0]!.root!;
    root.addSubregion(0x10000, ram);
  };

  test('has the first address space as its memory, and one port for each name', () => {
    vcpu.memory.store32(0, 4, 9);
    expect(vcpu.port('memory').load32(0, 4)).toBe(9);
    expect(vcpu.port('I/O')).toBe(vcpu.port('I/O'));
    expect(vcpu.port('memory')).toBe(vcpu.memory);
    expect(() => vcpu.port('io')).toThrow(/ADDRESS_SPACE_UNKNOWN/);
    expect(vcpu.portAt(0)).toBe(vcpu.memory);
    expect(vcpu.portAt(1)).toBe(vcpu.port('I/O'));
    vcpu.portAt(2).load8(0, 0); // no address space has that number
    expect(vcpu.portAt(2).result).toBe(MEMTX_DECODE_ERROR);
    for (const none of [-1, 1024, 0.5]) expect(() => vcpu.portAt(none)).toThrow(/ADDRESS_SPACE_UNKNOWN/);
  });

  test('takes a new layout at its checkpoint, not before', () => {
    moveRam();
    vcpu.memory.load32(0, 0x10000);
    expect(vcpu.memory.result).not.toBe(0);
    expect(vcpu.checkpoint()).toBe(true);
    vcpu.memory.load32(0, 0x10000);
    expect(vcpu.memory.result).toBe(0);
  });

  test('in a read section a checkpoint changes nothing, not even to stop', () => {
    vcpu.readLock();
    vcpu.readLock();
    moveRam();
    ask(RUN_STATE_STOP);
    expect(vcpu.checkpoint()).toBe(true);
    vcpu.memory.load32(0, 0x10000);
    expect(vcpu.memory.result).not.toBe(0);
    vcpu.readUnlock();
    vcpu.readUnlock();
    expect(vcpu.checkpoint()).toBe(false);
  });

  test('is told to stop again and again', () => {
    ask(RUN_STATE_STOP);
    expect([vcpu.checkpoint(), vcpu.checkpoint(), vcpu.waitForInterrupt()]).toEqual([false, false, false]);
  });

  test('waits for an interrupt no longer than it is told, and not at all for one that is pending', () => {
    const start = performance.now();
    expect(vcpu.waitForInterrupt(20)).toBe(true);
    expect(performance.now() - start).toBeGreaterThan(15);
    expect(words[reader + READER_PHASE]).toBe(PHASE_RUNNING);
    raiseInterrupt(words, SLOT);
    raiseInterrupt(words, SLOT);
    expect(vcpu.waitForInterrupt(60_000)).toBe(true); // returns at once
    const again = performance.now();
    vcpu.waitForInterrupt(20); // both were seen
    expect(performance.now() - again).toBeGreaterThan(15);
  });

  test('may not wait in a read section', () => {
    vcpu.readLock();
    expect(() => vcpu.waitForInterrupt()).toThrow(/INVALID_ARGUMENT: vCPU 4 calls waitForInterrupt\(\)/);
    vcpu.readUnlock();
  });

  test('ends offline, also in the middle of read sections', () => {
    vcpu.readLock();
    vcpu.readLock();
    vcpu.end();
    expect(words[reader + READER_ANNOUNCED]).toBe(GENERATION_OFFLINE);
    expect(words[reader + READER_PHASE]).toBe(PHASE_FINISHED);
  });
});

/**
 * The control thread changes RUN_STATE while a vCPU comes back online, after a device access, say. A
 * checkpoint looks at RUN_STATE only if the generation moved; so coming online must look at it too.
 */
describe('every order of stop and coming online', () => {
  const GENERATION = 0;
  const ANNOUNCED = 1;
  const RUN_STATE = 2;
  interface Variant {
    readonly online: readonly string[];
    readonly control: readonly string[];
  }
  const RIGHT: Variant = {
    online: ['load generation', 'announce', 'look at run state'],
    control: ['store run state', 'advance'],
  };

  const world =
    ({ online, control }: Variant) =>
    () => {
      const words = new Int32Array(new SharedArrayBuffer(16));
      Atomics.store(words, GENERATION, 1);
      let generation = 0;
      let attention = false;
      let hasStopped = false;
      const onlineSteps = {
        'load generation': step('load generation', () => {
          generation = Atomics.load(words, GENERATION);
        }),
        announce: step('announce', () => void Atomics.store(words, ANNOUNCED, generation)),
        'look at run state': step('look at run state', () => {
          attention = Atomics.load(words, RUN_STATE) !== RUN_STATE_RUN;
        }),
      };
      const controlSteps = {
        'store run state': step(
          'store run state',
          () => void Atomics.store(words, RUN_STATE, RUN_STATE_STOP),
        ),
        advance: step('advance', () => void Atomics.add(words, GENERATION, GENERATION_STEP)),
      };
      const checkpoint = (name: string) => [
        step(`${name}: load generation`, () => {
          const seen = Atomics.load(words, GENERATION);
          if (seen === generation && !attention) return name === 'last' ? 'end' : 'last: load generation';
          generation = seen;
          return undefined;
        }),
        step(`${name}: look at run state`, () => {
          hasStopped = Atomics.load(words, RUN_STATE) === RUN_STATE_STOP;
          attention = hasStopped;
          return hasStopped ? 'end' : undefined;
        }),
      ];
      let controlIsDone = false;
      return {
        threads: [
          stepsOf(
            'vCPU',
            ...online.map((name) => onlineSteps[name as keyof typeof onlineSteps]),
            ...checkpoint('first'),
            step('runs on', () => {}),
            ...checkpoint('last').map(({ name, run }) => step(name, run, () => controlIsDone)),
          ),
          stepsOf(
            'control',
            ...control.map((name) => controlSteps[name as keyof typeof controlSteps]),
            step('done', () => {
              controlIsDone = true;
            }),
          ),
        ],
        verdict: () => (hasStopped ? SAFE : 'the vCPU never hears of the stop'),
      };
    };

  test('the checkpoint after it stops', () => {
    expect(walkOrders(world(RIGHT)).firstBad).toBe('');
  });

  test.each<[string, Variant]>([
    ['a vCPU that does not look when it comes online', { ...RIGHT, online: ['load generation', 'announce'] }],
    [
      'a vCPU that looks before it loads the generation',
      { ...RIGHT, online: ['look at run state', 'load generation', 'announce'] },
    ],
    ['a control thread that advances first', { ...RIGHT, control: ['advance', 'store run state'] }],
  ])('the walk convicts %s', (_what, variant) => {
    expect(walkOrders(world(variant)).unsafe).toBeGreaterThan(0);
  });
});
