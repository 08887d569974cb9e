/**
 * Sweeps over a stream by the lookups that the port might have had (support/alternatives.ts). Each is a literal of its
 * own, for the reason in passes.ts; so they cannot be one function.
 */
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import {
  DirectMapped,
  FoldedCompare,
  LastPage,
  NoLookup,
  PageTable,
  SplitArrays,
  TwoLevelTable,
} from '../support/alternatives.ts';
import type { Stream } from '../support/stream.ts';
import { wasmWalker } from '../support/wasm-walker.ts';

export const alternativeSweeps = {
  'load-by-direct-mapped': (_memory: MemoryPort, stream: Stream) => {
    const { his, los } = stream;
    const ram = new DirectMapped(stream);
    return (): number => {
      let sum = 0;
      for (let i = 0; i < los.length; i += 1) sum = (sum + ram.load32(his[i]!, los[i]!)) | 0;
      return sum;
    };
  },
  'load-by-folded-compare': (_memory: MemoryPort, stream: Stream) => {
    const { his, los } = stream;
    const ram = new FoldedCompare(stream);
    return (): number => {
      let sum = 0;
      for (let i = 0; i < los.length; i += 1) sum = (sum + ram.load32(his[i]!, los[i]!)) | 0;
      return sum;
    };
  },
  'load-by-split-arrays': (_memory: MemoryPort, stream: Stream) => {
    const { his, los } = stream;
    const ram = new SplitArrays(stream);
    return (): number => {
      let sum = 0;
      for (let i = 0; i < los.length; i += 1) sum = (sum + ram.load32(his[i]!, los[i]!)) | 0;
      return sum;
    };
  },
  'load-by-last-page': (_memory: MemoryPort, stream: Stream) => {
    const { his, los } = stream;
    const ram = new LastPage(stream);
    return (): number => {
      let sum = 0;
      for (let i = 0; i < los.length; i += 1) sum = (sum + ram.load32(his[i]!, los[i]!)) | 0;
      return sum;
    };
  },
  'load-by-page-table': (_memory: MemoryPort, stream: Stream) => {
    const { his, los } = stream;
    const ram = new PageTable(stream);
    return (): number => {
      let sum = 0;
      for (let i = 0; i < los.length; i += 1) sum = (sum + ram.load32(his[i]!, los[i]!)) | 0;
      return sum;
    };
  },
  'load-by-two-level-table': (_memory: MemoryPort, stream: Stream) => {
    const { his, los } = stream;
    const ram = new TwoLevelTable(stream);
    return (): number => {
      let sum = 0;
      for (let i = 0; i < los.length; i += 1) sum = (sum + ram.load32(his[i]!, los[i]!)) | 0;
      return sum;
    };
  },
  'load-by-no-lookup': (_memory: MemoryPort, stream: Stream) => {
    const { his, los } = stream;
    const ram = new NoLookup(stream);
    return (): number => {
      let sum = 0;
      for (let i = 0; i < los.length; i += 1) sum = (sum + ram.load32(his[i]!, los[i]!)) | 0;
      return sum;
    };
  },
  'load-by-wasm': (_memory: MemoryPort, stream: Stream) => {
    const { his, los } = stream;
    const load = wasmWalker(stream);
    return (): number => {
      let sum = 0;
      for (let i = 0; i < los.length; i += 1) sum = (sum + load(his[i]!, los[i]!)) | 0;
      return sum;
    };
  },
};
