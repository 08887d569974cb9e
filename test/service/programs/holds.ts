/** A vCPU that maps, caches and holds; `what` names the trial. Port 0 is memory, word 0 of it tells the test of progress. */
import { subscribe } from 'node:diagnostics_channel';
import type { MemoryMapping } from '../../../src/base/guest-memory.ts';
import { MEMTXATTRS_SECURE, memTxAttrs } from '../../../src/base/mem-tx-attrs.ts';
import type { RegionAccessEvent } from '../../../src/base/trace.ts';
import type { Vcpu } from '../../../src/vcpu/vcpu.ts';

export interface Trial {
  readonly what: keyof typeof trials;
  readonly device: number;
}

const tell = (vcpu: Vcpu, progress: number): void => vcpu.memory.store32(0, 0, progress);
const mapped = (mapping: MemoryMapping | null): MemoryMapping => {
  if (mapping === null) throw new Error('nothing was mapped');
  return mapping;
};

const trials = {
  /** Takes all bounce bytes, and gives them back when it is interrupted. */
  spend(vcpu: Vcpu, device: number) {
    const mapping = mapped(vcpu.memory.map(device, 1 << 20, true));
    tell(vcpu, 1);
    vcpu.waitForInterrupt();
    return vcpu.memory.unmap(mapping, 0);
  },
  /** Takes all bounce bytes, and waits until it is stopped. */
  keep(vcpu: Vcpu, device: number) {
    vcpu.memory.map(device, 1 << 20, true);
    tell(vcpu, 1);
    while (vcpu.waitForInterrupt());
  },
  /** Takes all bounce bytes, holds the layout, and passes no checkpoint any more. */
  hang(vcpu: Vcpu, device: number) {
    vcpu.memory.map(device, 1 << 20, true);
    vcpu.memory.holdView();
    tell(vcpu, 1);
    for (;;);
  },
  /** Waits for bounce bytes as a map client, asleep but for that. */
  client(vcpu: Vcpu, device: number) {
    let got = vcpu.memory.map(device, 16, false);
    if (got === null) {
      vcpu.memory.registerMapClient(() => {
        got = vcpu.memory.map(device, 16, false);
      });
    }
    tell(vcpu, 2);
    while (got === null && vcpu.waitForInterrupt());
    return mapped(got).bytes.length;
  },
  /** Reads through a cache until what the newest layout shows is 222; returns what the cache shows then. */
  cache(vcpu: Vcpu) {
    const cache = vcpu.memory.cache(0x1000, 16, false);
    const mapping = mapped(vcpu.memory.map(0x1000, 4, false));
    tell(vcpu, 1);
    const seen = new Set<number>();
    while (vcpu.checkpoint() && vcpu.memory.load32(0, 0x1000) !== 222) {
      seen.add(cache.load32(0)).add(mapping.bytes[0]!);
    }
    seen.add(cache.load32(0)).add(mapping.bytes[0]!);
    vcpu.memory.unmap(mapping);
    cache.destroy();
    tell(vcpu, 2);
    return [...seen];
  },
  /** What secure and other accesses find at one address; then by a rule of its own. */
  secure(vcpu: Vcpu) {
    const secure = memTxAttrs({ secure: true });
    const at = (attrs: number) => vcpu.portFor(attrs).load32(0, 0x1000);
    const found = [at(secure), at(memTxAttrs({ user: true })), at(secure)];
    vcpu.asidxFromAttrs = (attrs) => ((attrs & MEMTXATTRS_SECURE) !== 0 ? 0 : 2);
    let code: unknown = null;
    try {
      at(0);
    } catch (error) {
      code = (error as { code?: unknown }).code;
    }
    return [...found, at(secure), code];
  },
  /** What the trace tells of three accesses. */
  trace(vcpu: Vcpu, device: number) {
    const heard: RegionAccessEvent[] = [];
    subscribe('flatview:region-access', (event) => heard.push(event as RegionAccessEvent));
    vcpu.memory.write(device + 4, 2, 0xabcd);
    vcpu.memory.read(device + 4, 1);
    vcpu.memory.writeBig(device + 8, 2n ** 64n - 2n);
    vcpu.memory.isIo(device);
    vcpu.memory.accessValid(device, 64, true);
    return heard;
  },
};

export default function program(vcpu: Vcpu, { what, device }: Trial): unknown {
  return trials[what](vcpu, device);
}
