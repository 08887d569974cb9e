/** What no port can undercut: a bare Int32Array load over the stream of indices, in a vCPU's thread. */
import { MemoryRegion } from '../src/model/memory-region.ts';
import type { Machine } from '../src/service/machine.ts';
import type { Row } from './support/measure.ts';
import { mixStream } from './support/mix.ts';
import { measurePasses } from './support/paced-vcpus.ts';
import { sequentialStream } from './support/stream.ts';

const nothing = (machine: Machine) => machine.addAddressSpace('memory', MemoryRegion.container('none', 1));

export const limitRows: readonly Row[] = [
  {
    name: 'limit/typed-array-random',
    measure: () => measurePasses({ kind: 'limit', stream: mixStream(), show: nothing }),
  },
  {
    name: 'limit/typed-array-sequential',
    measure: () => measurePasses({ kind: 'limit', stream: sequentialStream(0, 65_536), show: nothing }),
  },
];
