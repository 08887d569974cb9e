/** Reads the device of whichever host is current, while hosts die: the right name, or MEMTX_ERROR from its end on. */
import { MEMTX_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { nameOf } from '../devices/mortal.ts';
import { ANSWERED, wordFor } from '../handshake.ts';
import { stressProgram } from '../vcpu-side.ts';

export interface HostedJob {
  readonly base: number;
  readonly strideBytes: number;
  /** Number among the machine's vCPUs. */
  readonly index: number;
}

/** Shared word: the host to read and what becomes of it, as stateOf() packs it. */
export const STATE = 0;
export const FATE_ALIVE = 0;
/** It has its orders: either answer may come. */
export const FATE_DOOMED = 1;
/** Its end was confirmed. */
export const FATE_DEAD = 2;

export const stateOf = (host: number, fate: number): number => (host << 2) | fate;

export default stressProgram<HostedJob>((under) => {
  const { vcpu, lane, words, job } = under;
  const { memory } = vcpu;
  const fail = (text: string): void => lane.violation(`vCPU ${vcpu.id}: ${text}`);
  for (;;) {
    const before = Atomics.load(words, STATE);
    if (!vcpu.checkpoint()) return;
    const host = before >> 2;
    lane.at(host);
    const name = memory.read(job.base + host * job.strideBytes, 4);
    const { result } = memory;
    const after = Atomics.load(words, STATE);
    lane.checked();
    if (result === MEMTX_OK) {
      if (name !== nameOf(host)) fail(`host ${host} gave 0x${name.toString(16)}`);
      if (before === stateOf(host, FATE_DEAD)) fail(`host ${host} answered after its end`);
    } else if (result !== MEMTX_ERROR) fail(`host ${host} gave result ${result}`);
    else if (after === stateOf(host, FATE_ALIVE)) fail(`host ${host} failed, but it lives`);
    else Atomics.store(words, wordFor(job.index, ANSWERED), host);
  }
});
