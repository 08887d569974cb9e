/**
 * What a translator would emit for a guest's loop that adds up words, as WebAssembly:
 *
 *   do { sum += load32(address); address += 4 } while (--count)
 *
 * Each load looks in the TLB at `tlb`, 8 bytes an entry: a page's address, and what leads from guest addresses in it
 * to bytes of the memory. A miss calls the import.
 */
export const TLB_ENTRIES = 64;

/** A shared WebAssembly.Memory; Node's types name none. It can be posted to threads. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

interface WebAssemblyApi {
  Memory: new (pages: { initial: number; maximum: number; shared: true }) => SharedMemory;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: { sum: Sum } };
}
type Sum = (tlb: number, address: number, count: number) => number;
const { Memory, Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;

export function newSharedMemory(bytes: number): SharedMemory {
  const pages = Math.ceil(bytes / 0x1_0000);
  return new Memory({ initial: pages, maximum: pages, shared: true });
}

export const instantiate = (
  module: Uint8Array,
  memory: SharedMemory,
  load: (address: number) => number,
): Sum => new Instance(new Module(module), { env: { memory, load } }).exports.sum;

const section = (id: number, ...content: number[]): number[] => [id, content.length, ...content];
const name = (text: string): number[] => [text.length, ...new TextEncoder().encode(text)];
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
/** A number from -64 to 63; those below stand for greater ones. */
const constant = (value: number): number[] => [0x41, value & 0x7f];
const load32 = (offset: number): number[] => [0x28, 2, offset];
const [AND, ADD, SUB, SHL, SHR_U, EQ] = [0x71, 0x6a, 0x6b, 0x74, 0x76, 0x46];
const I32 = 0x7f;

export function translatedSum(): Uint8Array {
  const [tlb, address, count, sum, entry, page] = [0, 1, 2, 3, 4, 5];
  const body = [
    ...[1, 3, I32], // three locals more
    ...[0x03, 0x40], // loop
    ...[...get(address), ...constant(12), SHR_U, ...set(page)],
    ...[
      ...get(tlb),
      ...get(page),
      ...constant(TLB_ENTRIES - 1),
      AND,
      ...constant(3),
      SHL,
      ADD,
      ...set(entry),
    ],
    ...[...get(sum), ...get(entry), ...load32(0), ...get(page), ...constant(12), SHL, EQ],
    ...[0x04, I32, ...get(address), ...get(entry), ...load32(4), ADD, ...load32(0)], // if: the word itself
    ...[0x05, ...get(address), 0x10, 0, 0x0b], // else: call the import; end
    ...[ADD, ...set(sum)],
    ...[...get(address), ...constant(4), ADD, ...set(address)],
    ...[...get(count), ...constant(1), SUB, 0x22, count, 0x0d, 0, 0x0b], // tee, br_if to the loop's start; end
    ...[...get(sum), 0x0b],
  ];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 2, 0x60, 1, I32, 1, I32, 0x60, 3, I32, I32, I32, 1, I32), // types of load and sum
    ...section(
      2,
      ...[2, ...name('env'), ...name('load'), 0, 0],
      ...[...name('env'), ...name('memory'), 2, 3, 1, 0x80, 0x80, 4], // shared, 1 to 65,536 pages
    ),
    ...section(3, 1, 1),
    ...section(7, 1, ...name('sum'), 0, 1),
    ...section(10, 1, body.length, ...body),
  ]);
}
