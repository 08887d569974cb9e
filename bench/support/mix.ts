/**
 * The mix: 65,536 addresses of 4-byte reads, drawn once with a fixed seed, and the machine that answers them.
 *
 *   share   where
 *   60 %    RAM, a window of 1 MiB at 1 MiB
 *   20 %    RAM, a window of 1 MiB at 4 GiB
 *   8 %     the PAM area 0xc0000-0xfffff, sixteen RAM sections of 16 KiB
 *   10 %    MMIO: 32 BARs of 16 KiB, each a register file of its own
 *   2 %     MMIO: 0xfee00000-0xfee00fff
 *
 * The devices are worker-local and opted out of the shared lock, as registers that many vCPUs hit would be.
 */
import { type DeviceLocking, localDevice } from '../../src/base/device-binding.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import type { Machine } from '../../src/service/machine.ts';
import { Random } from './random.ts';
import { fillWords, type Stream, sharedInts } from './stream.ts';

const MIX_LENGTH = 65_536;
const MIX_SEED = 20_260_725;
const MIB = 0x10_0000;
export const BARS_START = 0xfe00_0000;
export const BAR_COUNT = 32;
export const BAR_BYTES = 0x4000;
const PAM_COUNT = 16;
const PAM_BYTES = 0x4000;

/** A part of the address space that draws `share` of the mix, in `count` regions of equal size. */
interface MixWindow {
  readonly name: string;
  readonly kind: 'ram' | 'io';
  readonly share: number;
  readonly start: number;
  readonly count: number;
  readonly regionBytes: number;
}

export const MIX_WINDOWS: readonly MixWindow[] = [
  { name: 'low', kind: 'ram', share: 0.6, start: MIB, count: 1, regionBytes: MIB },
  { name: 'high', kind: 'ram', share: 0.2, start: 2 ** 32, count: 1, regionBytes: MIB },
  { name: 'pam', kind: 'ram', share: 0.08, start: 0xc_0000, count: PAM_COUNT, regionBytes: PAM_BYTES },
  { name: 'bar', kind: 'io', share: 0.1, start: BARS_START, count: BAR_COUNT, regionBytes: BAR_BYTES },
  { name: 'apic', kind: 'io', share: 0.02, start: 0xfee0_0000, count: 1, regionBytes: 0x1000 },
];

const wordsOf = ({ count, regionBytes }: MixWindow): number => (count * regionBytes) / 4;

/** The stream of the mix; `words` holds its windows one after the other. */
export function mixStream(): Stream {
  const random = new Random(MIX_SEED);
  const stream = {
    his: sharedInts(MIX_LENGTH),
    los: sharedInts(MIX_LENGTH),
    indices: sharedInts(MIX_LENGTH),
    words: sharedInts(MIX_WINDOWS.reduce((sum, window) => sum + wordsOf(window), 0)),
  };
  fillWords(stream.words);
  for (let i = 0; i < MIX_LENGTH; i += 1) {
    let draw = random.fraction();
    let firstWord = 0;
    for (const window of MIX_WINDOWS) {
      if (draw < window.share || window === MIX_WINDOWS.at(-1)) {
        const word = random.below(wordsOf(window));
        const address = window.start + 4 * word;
        stream.his[i] = Math.floor(address / 2 ** 32);
        stream.los[i] = address | 0;
        stream.indices[i] = firstWord + word;
        break;
      }
      draw -= window.share;
      firstWord += wordsOf(window);
    }
  }
  return stream;
}

/**
 * Builds the mix's address space in `machine`, its RAM and registers filled with the stream's words.
 * @returns its regions, by name: bar-0 to bar-31 and so on
 */
export function showMix(machine: Machine, { words }: Stream): ReadonlyMap<string, MemoryRegion> {
  const root = MemoryRegion.container('system', 2n ** 64n);
  const regions = new Map<string, MemoryRegion>();
  let firstWord = 0;
  for (const { name, kind, start, count, regionBytes } of MIX_WINDOWS) {
    for (let i = 0; i < count; i += 1) {
      const content = words.slice(firstWord, firstWord + regionBytes / 4);
      firstWord += content.length;
      const regionName = `${name}-${i}`;
      const region =
        kind === 'ram'
          ? MemoryRegion.ram(regionName, regionBytes)
          : MemoryRegion.io(regionName, regionBytes, registerFile(content, 'none'));
      regions.set(regionName, region);
      root.addSubregion(start + i * regionBytes, region);
      if (kind === 'ram') machine.writeRam(region, 0, new Uint8Array(content.buffer));
    }
  }
  machine.addAddressSpace('memory', root);
  return regions;
}

/** A worker-local device that reads as `content`. */
export function registerFile(content: Int32Array, lock: DeviceLocking) {
  const state = new SharedArrayBuffer(content.byteLength);
  new Int32Array(state).set(content);
  return localDevice(REGISTER_FILE, { state, lock });
}

export const REGISTER_FILE = new URL('../devices/register-file.ts', import.meta.url);
