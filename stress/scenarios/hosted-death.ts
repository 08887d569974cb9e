/** Device workers die in every way, most with requests of all vCPUs pending. */
import { hostedDevice } from '../../src/base/device-binding.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { type Bed, pause, sharedWords } from '../bed.ts';
import * as mortal from '../devices/mortal.ts';
import { ANSWERED, handshakeWords, wordFor } from '../handshake.ts';
import {
  FATE_ALIVE,
  FATE_DEAD,
  FATE_DOOMED,
  type HostedJob,
  STATE,
  stateOf,
} from '../programs/hosted-reader.ts';
import type { Scenario } from '../scenario.ts';

const program = new URL('../programs/hosted-reader.ts', import.meta.url);
const deviceModule = new URL('../devices/mortal.ts', import.meta.url);
const BASE = 0x8000_0000;
const STRIDE_BYTES = 0x1000;
/** A machine takes 15 device hosts in its life. */
const HOSTS_PER_MACHINE = 14;
/** Milliseconds that the vCPUs use a host before it dies, at most. */
const LIFE_MS = 60;
const ENDS = [mortal.DIE_SERVING, mortal.DIE_SERVING, mortal.DIE_IDLE, mortal.HANG, mortal.THROW_LATER];

/** One machine and its hosts' lives, one after the other. Returns how many died. */
async function lives(bed: Bed): Promise<number> {
  const dead = new Set<number>();
  const machine = bed.open({ onDeviceHostDeath: ({ host }) => void dead.add(host) });
  const root = MemoryRegion.container('root', 2n ** 64n);
  machine.addAddressSpace('memory', root);
  const words = sharedWords(handshakeWords(bed.vcpuCount));
  const indexes = Array.from({ length: bed.vcpuCount }, (_, index) => index);
  let deaths = 0;
  while (!bed.timeIsUp && deaths < HOSTS_PER_MACHINE) {
    const host = await bed.bounded('start of a device host', machine.startDeviceHost(), 60_000);
    const state = new SharedArrayBuffer(4);
    const device = hostedDevice(host, deviceModule, { state, data: host });
    root.addSubregion(BASE + host * STRIDE_BYTES, MemoryRegion.io(`host ${host}`, STRIDE_BYTES, device));
    Atomics.store(words, STATE, stateOf(host, FATE_ALIVE));
    if (deaths === 0) {
      for (const index of indexes) {
        const job: HostedJob = { base: BASE, strideBytes: STRIDE_BYTES, index };
        bed.start(program, job, { words });
      }
      await bed.up();
    }
    await pause(bed.random.below(LIFE_MS));
    await end(bed, host, words, new Int32Array(state), dead);
    await bed.until('every vCPU to meet the death of the host', () =>
      indexes.every((index) => Atomics.load(words, wordFor(index, ANSWERED)) === host),
    );
    deaths += 1;
  }
  return deaths;
}

async function end(
  bed: Bed,
  host: number,
  words: Int32Array,
  state: Int32Array,
  dead: Set<number>,
): Promise<void> {
  const order = bed.random.pick(ENDS);
  bed.fault('a device worker dies');
  Atomics.store(words, STATE, stateOf(host, FATE_DOOMED));
  Atomics.store(state, mortal.ORDER, order);
  bed.fault(`orders device host ${host} to end by ${order}`);
  if (order === mortal.HANG) {
    await pause(bed.random.below(10));
    await bed.bounded('close of a device host that hangs', bed.machine.closeDeviceHost(host));
  } else await bed.until('the death of a device host', () => dead.has(host));
  Atomics.store(words, STATE, stateOf(host, FATE_DEAD));
}

export const hostedDeath: Scenario = {
  name: 'hosted-death',
  property:
    'a device worker that dies fails its pending and later accesses with MEMTX_ERROR, and nothing hangs',
  seconds: 5,
  async run(bed) {
    let deaths = 0;
    do {
      if (deaths > 0) await bed.stopVcpus();
      deaths += await lives(bed);
    } while (!bed.timeIsUp);
    return `${deaths} device workers died under ${bed.vcpuCount} vCPUs`;
  },
};
