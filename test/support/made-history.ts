/**
 * Histories made by hand: a layout small enough to see through, what may be done to it, and events of a vCPU. Bounds
 * are wide open where a test does not set them.
 */
import { codedByte, type Giver, privateOffset } from '../../stress/linearizability/coded-bytes.ts';
import type { HistoryEvent, Read } from '../../stress/linearizability/history.ts';
import {
  type Edit,
  type RecordedLayout,
  recordedRegion,
} from '../../stress/linearizability/recorded-layout.ts';

export const RAM = 1;
export const BAR = 2;
export const CHIP = 3;
export const FLASH = 4;
const RAM_BYTES = 0x1000;
const BAR_BYTES = 8;
/** RAM at 0x1000, a homed BAR above its end, a local chip at 0x8000, a ROM device at 0x9000; both spaces show the same. */
export const first: RecordedLayout = {
  regions: [
    recordedRegion('root', 'container', 0x10000, { children: [RAM, BAR, CHIP, FLASH] }),
    recordedRegion('ram', 'ram', RAM_BYTES, { address: 0x1000 }),
    recordedRegion('bar', 'homed', BAR_BYTES, { address: 0x2000 }),
    recordedRegion('chip', 'local', 4, { address: 0x8000 }),
    recordedRegion('flash', 'rom-device', 8, { address: 0x9000 }),
  ],
  roots: [0, 0],
};
export const moveRam = (address: number): Edit[] => [{ op: 'move', region: RAM, address }];
export const moveBar = (address: number): Edit[] => [{ op: 'move', region: BAR, address }];

export const outOfRomMode: Edit[][] = [[{ op: 'romd', region: FLASH, romd: false }]];

export const OK = 0;
export const DECODE_ERROR = 2;
export const checkpoint = (oldest: number, newest: number): HistoryEvent => ({
  kind: 'checkpoint',
  oldest,
  newest,
});
export const bytesOf = (giver: Giver, number: number, offset: number, count: number): number[] =>
  Array.from({ length: count }, (_, byte) => codedByte(giver, number, offset + byte));
export const ramBytes = (offset: number, count: number): number[] => bytesOf('memory', RAM, offset, count);
export const barBytes = (offset: number, count: number): number[] => bytesOf('homed', BAR, offset, count);
export const HOLE = [0, 0];

interface Seen {
  readonly space?: number;
  readonly result?: number;
  readonly oldest?: number;
  readonly newest?: number;
  readonly made?: number;
}
export const read = (address: number, bytes: readonly number[], seen: Seen = {}): HistoryEvent => ({
  ...{ kind: 'read', space: 0, address, bytes, oldest: 0, newest: 9 },
  result: bytes.includes(0) ? DECODE_ERROR : OK,
  ...seen,
});
export const copy = (address: number, bytes: readonly number[], seen: Seen = {}): HistoryEvent => ({
  ...(read(address, bytes, seen) as Read),
  kind: 'copy',
});
export const hold = (space: number): HistoryEvent => ({ kind: 'hold', space });
export const heldCopy = (address: number, bytes: readonly number[], seen: Seen = {}): HistoryEvent => ({
  ...(read(address, bytes, seen) as Read),
  kind: 'held copy',
});
type Place = readonly [region: number, offset: number];
export const write = (
  address: number,
  size: number,
  landed: readonly Place[],
  seen: Seen = {},
): HistoryEvent => ({
  ...{ kind: 'write', space: 0, address, size, landed, made: 0, oldest: 0, newest: 9, result: OK },
  ...seen,
});

/** Layout 1 has the RAM at 0x4000 instead, layout 2 where it was. */
export const thereAndBack = [moveRam(0x4000), moveRam(0x1000)];
export const away = [moveRam(0x4000)];
export const barAway = [moveBar(0x6000)];
export const inRam = ramBytes(0x10, 2);
/** Where vCPU 0 may write in a page. */
export const own = privateOffset(0);
