/** A thread that holds many reader slots online, all of which pass a quiescent state in each turn of its loop. */
import { GraceReader } from '../../src/grace/reader.ts';
import type { Vcpu } from '../../src/vcpu/vcpu.ts';

export interface ManyReaders {
  /** A control block that belongs to these readers; the thread's own vCPU is in its machine's. */
  readonly control: SharedArrayBuffer;
  /** In slots 0 to `count` - 1. */
  readonly count: number;
}

export default function manyReaders(vcpu: Vcpu, { control, count }: ManyReaders): void {
  const words = new Int32Array(control);
  const readers = Array.from({ length: count }, (_, slot) => new GraceReader(words, slot));
  for (const reader of readers) reader.online();
  while (vcpu.checkpoint()) for (const reader of readers) reader.quiescent();
  for (const reader of readers) reader.offline();
}
