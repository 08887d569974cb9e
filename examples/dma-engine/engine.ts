/** The engine: a thread that writes bursts through its own address space, wherever it is let. */
import { MEMTX_OK, type Vcpu } from 'flatview/vcpu';

export const PAGE = 4096;
/** Pages of bus addresses that it tries, one after the other. */
export const BUS_PAGES = 8;
/** What its bursts consist of. */
export const MARK = 0xd1;

/** Words of the engine's `counts`. */
export const BURSTS = 0;
export const FAULTS = 1;

export interface EngineTask {
  readonly counts: SharedArrayBuffer;
}

/** Each burst straddles into the next page, so that it also meets the end of what is mapped. */
export default function engine(vcpu: Vcpu, task: EngineTask): void {
  const counts = new Int32Array(task.counts);
  const burst = new Uint8Array(PAGE).fill(MARK);
  for (let turn = 0; vcpu.checkpoint(); turn += 1) {
    const result = vcpu.memory.writeBytes((turn % BUS_PAGES) * PAGE + (turn % 7) * 64, burst);
    Atomics.add(counts, result === MEMTX_OK ? BURSTS : FAULTS, 1);
  }
}
