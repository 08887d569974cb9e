/**
 * The walk of a two-level page table and the load, in WebAssembly over shared memory: what a call from JavaScript
 * costs where the callee is as short as can be. The lower 16 GiB only.
 *
 * The memory: 4096 addresses of tables, tables of 1024 addresses of pages, pages.
 */
import { pageNumber } from './alternatives.ts';
import type { Stream } from './stream.ts';

const PAGE_BYTES = 4096;
const TOP_BYTES = 4096 * 4;
const WASM_PAGE_BYTES = 0x1_0000;

type Load = (hi: number, lo: number) => number;

/** What is used of it here: the types of Node 20 name no constructors. */
interface WebAssemblyApi {
  Memory: new (size: { initial: number; maximum: number; shared: true }) => { buffer: SharedArrayBuffer };
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: { load: Load } };
}
const { Memory, Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;

const section = (id: number, ...content: number[]): number[] => [id, content.length, ...content];

const code = [
  0x00, // no locals
  ...[0x20, 1, 0x41, 22, 0x76], // lo >>> 22
  ...[0x20, 0, 0x41, 10, 0x74, 0x6a], // + (hi << 10)
  ...[0x41, 2, 0x74, 0x28, 2, 0], // i32.load of that entry: the table
  ...[0x20, 1, 0x41, 12, 0x76], // lo >>> 12
  ...[0x41, 0xff, 0x07, 0x71], // & 1023
  ...[0x41, 2, 0x74, 0x6a, 0x28, 2, 0], // i32.load of that entry: the page
  ...[0x20, 1, 0x41, 0xff, 0x1f, 0x71], // + (lo & 4095)
  ...[0x6a, 0x28, 2, 0], // i32.load
  0x0b, // end
];

const MODULE = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // '\0asm', version 1
  ...section(1, 1, 0x60, 2, 0x7f, 0x7f, 1, 0x7f), // type 0: (i32, i32) -> i32
  ...section(2, 1, 1, 0x6d, 1, 0x6d, 2, 3, 1, 0x80, 0x80, 4), // import 'm'.'m': shared memory, 1 to 65,536 pages
  ...section(3, 1, 0), // function 0 is of type 0
  ...section(7, 1, 4, 0x6c, 0x6f, 0x61, 0x64, 0, 0), // export 'load': function 0
  ...section(10, 1, code.length, ...code),
]);

/** A function from (hi, lo) to the word there; right for the addresses of the stream. */
export function wasmWalker({ his, los, indices, words }: Stream): Load {
  const pages = new Map<number, number>(); // by number: index of a word of it, and of the page's first
  los.forEach((lo, i) => {
    pages.set(pageNumber(his[i]!, lo), indices[i]! - ((lo & (PAGE_BYTES - 1)) >>> 2));
  });
  const tops = new Set([...pages.keys()].map((page) => page >>> 10));
  const pagesStart = TOP_BYTES + tops.size * PAGE_BYTES;
  const count = Math.ceil((pagesStart + pages.size * PAGE_BYTES) / WASM_PAGE_BYTES);
  const memory = new Memory({ initial: count, maximum: count, shared: true });
  const ints = new Int32Array(memory.buffer);
  [...tops].forEach((top, i) => {
    ints[top] = TOP_BYTES + i * PAGE_BYTES;
  });
  [...pages].forEach(([page, firstWord], i) => {
    const start = pagesStart + i * PAGE_BYTES;
    ints[(ints[page >>> 10]! >>> 2) + (page & 1023)] = start;
    ints.set(words.subarray(firstWord, firstWord + PAGE_BYTES / 4), start >>> 2);
  });
  return new Instance(new Module(MODULE), { m: { m: memory } }).exports.load;
}
