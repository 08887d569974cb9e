/**
 * Copies to and from memory that a device looks at, a RAM device's: in naturally aligned pieces of 8, 4, 2 and 1
 * bytes at ascending addresses, each one access of that width. A block copy may take any widths, and some twice.
 */
import type { RamView } from './ram-views.ts';

/** One piece on its way; private to the thread. */
const piece8 = new Uint8Array(8);
const piece16 = new Uint16Array(piece8.buffer);
const piece32 = new Int32Array(piece8.buffer);
const piece64 = new BigInt64Array(piece8.buffer);

/** Fills `into` with the bytes of `ram` from `byte` on. */
export function loadExactly(ram: RamView, byte: number, into: Uint8Array): void {
  for (let done = 0; done < into.length; ) {
    const at = byte + done;
    const size = pieceSize(at, into.length - done);
    if (size === 8) piece64[0] = ram.doubles[at / 8]!;
    else if (size === 4) piece32[0] = ram.words[at / 4]!;
    else if (size === 2) piece16[0] = ram.halves[at / 2]!;
    else piece8[0] = ram.bytes[at]!;
    for (let i = 0; i < size; i += 1) into[done + i] = piece8[i]!;
    done += size;
  }
}

/** Writes `from` to the bytes of `ram` from `byte` on. */
export function storeExactly(ram: RamView, byte: number, from: Uint8Array): void {
  for (let done = 0; done < from.length; ) {
    const at = byte + done;
    const size = pieceSize(at, from.length - done);
    for (let i = 0; i < size; i += 1) piece8[i] = from[done + i]!;
    if (size === 8) ram.doubles[at / 8] = piece64[0]!;
    else if (size === 4) ram.words[at / 4] = piece32[0]!;
    else if (size === 2) ram.halves[at / 2] = piece16[0]!;
    else ram.bytes[at] = piece8[0]!;
    done += size;
  }
}

function pieceSize(at: number, left: number): number {
  let size = 8;
  while (size > left || at % size !== 0) size >>= 1;
  return size;
}
