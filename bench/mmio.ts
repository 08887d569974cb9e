/**
 * Reads of device registers, by where the device's callback runs: random over 32 BARs of 16 KiB. And writes that
 * call none: to doorbells, and to coalesced registers of one BAR.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DeviceBinding,
  type DeviceLocking,
  hostedDevice,
  localDevice,
} from '../src/base/device-binding.ts';
import { Doorbell } from '../src/mailbox/doorbell.ts';
import { MemoryRegion } from '../src/model/memory-region.ts';
import { transaction } from '../src/model/transaction.ts';
import type { Machine } from '../src/service/machine.ts';
import { SHAPE_COUNT } from './devices/register-shapes.ts';
import type { Row } from './support/measure.ts';
import { BAR_BYTES, BAR_COUNT, BARS_START, REGISTER_FILE, registerFile } from './support/mix.ts';
import { measurePasses, type PassPlan } from './support/paced-vcpus.ts';
import { Random } from './support/random.ts';
import { fillWords, type Stream, sharedInts } from './support/stream.ts';

const REGISTER_SHAPES = new URL('./devices/register-shapes.ts', import.meta.url);
const WORDS_A_BAR = BAR_BYTES / 4;

/** A vCPU that is idle this long finds the device's host asleep: it stays awake for some 200 us. */
const IDLE_MS = 2;
/** By when a device worker has heard of a ring; until then writes go to it one by one. */
const RING_OPENS_MS = 50;

/** @param wordCount of the first words of all BARs from `firstBar` on */
function barStream(length: number, wordCount = BAR_COUNT * WORDS_A_BAR, firstBar = 0): Stream {
  const random = new Random(11);
  const stream = {
    his: sharedInts(length),
    los: sharedInts(length),
    indices: sharedInts(length, () => firstBar * WORDS_A_BAR + random.below(wordCount)),
    words: sharedInts(BAR_COUNT * WORDS_A_BAR),
  };
  stream.indices.forEach((word, i) => {
    stream.los[i] = BARS_START + 4 * word;
  });
  fillWords(stream.words);
  return stream;
}

function showBars(
  machine: Machine,
  device: (content: Int32Array, bar: number) => DeviceBinding,
): MemoryRegion[] {
  const words = sharedInts(BAR_COUNT * WORDS_A_BAR);
  fillWords(words);
  const root = MemoryRegion.container('system', 2n ** 64n);
  const bars = Array.from({ length: BAR_COUNT }, (_, i) => {
    const content = words.slice(i * WORDS_A_BAR, (i + 1) * WORDS_A_BAR);
    const bar = MemoryRegion.io(`bar-${i}`, BAR_BYTES, device(content, i));
    root.addSubregion(BARS_START + i * BAR_BYTES, bar);
    return bar;
  });
  machine.addAddressSpace('memory', root);
  return bars;
}

/** Homed in a device worker. */
async function showHomedBars(machine: Machine): Promise<MemoryRegion[]> {
  const host = await machine.startDeviceHost();
  return showBars(machine, (content) => {
    const state = new SharedArrayBuffer(content.byteLength);
    new Int32Array(state).set(content);
    return hostedDevice(host, REGISTER_FILE, { state });
  });
}

function localPlan(lock: DeviceLocking, vcpus: number): PassPlan {
  const show = (machine: Machine): unknown => showBars(machine, (content) => registerFile(content, lock));
  return { kind: 'load', stream: barStream(16_384), vcpus, show };
}

/** Two vCPUs, each at a device of its own that has a lock of its own. */
function twoDevicesPlan(): PassPlan {
  const streams = [0, 1].map((bar) => barStream(16_384, WORDS_A_BAR, bar));
  return { ...localPlan('own', 2), stream: streams[0]!, streams };
}

/** Without a lock, as many kinds of devices as there are shapes. */
function classesPlan(): PassPlan {
  const show = (machine: Machine): unknown =>
    showBars(machine, (content, bar) => {
      const state = new SharedArrayBuffer(content.byteLength);
      new Int32Array(state).set(content);
      return localDevice(REGISTER_SHAPES, { state, lock: 'none', data: bar % SHAPE_COUNT });
    });
  return { kind: 'load', stream: barStream(16_384), show };
}

/** Homed in a device worker. */
function homedPlan(accesses: number, rounds: number, idleMs: number): PassPlan {
  return { kind: 'load', stream: barStream(accesses), rounds, idleMs, otherThreads: 1, show: showHomedBars };
}

/** Doorbells of one BAR, as many as a card has vectors, among as many values as there are queues. */
const DOORBELL_COUNT = 64;

function ioeventfdPlan(): PassPlan {
  const show = (machine: Machine): void => {
    const [bar] = showBars(machine, (content) => registerFile(content, 'none'));
    transaction(() => {
      for (let i = 0; i < DOORBELL_COUNT; i += 1)
        bar!.eventfds.add({ offset: 4 * i, size: 4, notifier: new Doorbell() });
    });
  };
  return { kind: 'store', stream: barStream(16_384, DOORBELL_COUNT), show };
}

/** Homed in a device worker, which replays a full ring at a time. */
function coalescedPlan(): PassPlan {
  const show = async (machine: Machine): Promise<void> => {
    const [bar] = await showHomedBars(machine);
    bar!.coalescing.setCoalescing();
    await machine.synchronize();
    await sleep(RING_OPENS_MS);
  };
  return { kind: 'store', stream: barStream(16_384, WORDS_A_BAR), otherThreads: 1, show };
}

/** By row: how to measure it. A test makes one pass of each. */
export const mmioPlans: Readonly<Record<string, () => PassPlan>> = {
  'mmio/local': () => localPlan('none', 1),
  'mmio/local-2vcpu': () => localPlan('none', 2),
  'mmio/local-classes': classesPlan,
  'mmio/local-locked': () => localPlan('shared', 1),
  'mmio/local-own': () => localPlan('own', 1),
  'mmio/local-2devices-2vcpu': twoDevicesPlan,
  'mmio/ioeventfd': ioeventfdPlan,
  'mmio/coalesced': coalescedPlan,
  'mmio/homed-awake': () => homedPlan(500, 1, 0),
  'mmio/homed-asleep': () => homedPlan(1, 4, IDLE_MS),
};

export const mmioRows: readonly Row[] = Object.entries(mmioPlans).map(([name, plan]) => ({
  name,
  measure: () => measurePasses(plan()),
}));
