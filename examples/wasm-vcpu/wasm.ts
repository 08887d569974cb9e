/**
 * What a translator would emit for a guest's loop that adds up words, as WebAssembly. Each load looks in the TLB at
 * `tlb`, 8 bytes an entry: a page's address, and what leads from guest addresses in it to bytes of the memory. A miss
 * calls the import.
 */
export const TLB_ENTRIES = 64; // its mask, 63, is the greatest constant of one byte

/** do { sum += load32(address); address += 4 } while (--count) */
const SUM = `1 3 i32
  loop void
    get address const 12 shr_u set page
    get tlb get page const ${TLB_ENTRIES - 1} and const 3 shl add set entry
    get sum get entry load 2 0 get page const 12 shl eq
    if i32 get address get entry load 2 4 add load 2 0
    else get address call 0 end
    add set sum
    get address const 4 add set address
    get count const 1 sub tee count br_if 0
  end get sum end`;
const NUMBERS = `tlb=0 address=1 count=2 sum=3 entry=4 page=5 void=0x40 func=0x60 i32=0x7f loop=0x03 if=0x04 else=0x05
  end=0x0b br_if=0x0d call=0x10 get=0x20 set=0x21 tee=0x22 load=0x28 const=0x41 eq=0x46 add=0x6a sub=0x6b and=0x71
  shl=0x74 shr_u=0x76`;
const numbers = new Map(NUMBERS.split(/\s+/).map((entry) => entry.split('=') as [string, string]));

/** A text in quotes stands for its length and its letters, any other word for one byte. */
const bytesOf = (words: string): number[] =>
  words.match(/"?\w+/g)!.flatMap((word) => {
    return word[0] === '"'
      ? [word.length - 1, ...Buffer.from(word.slice(1))]
      : Number(numbers.get(word) ?? word);
  });
const section = (id: number, words: string): number[] => [id, bytesOf(words).length, ...bytesOf(words)];

export type SharedMemory = { readonly buffer: SharedArrayBuffer };
type Sum = (tlb: number, address: number, count: number) => number;
/** What is used of it; Node's types have nothing. */
declare const WebAssembly: {
  Memory: new (pages: { initial: number; maximum: number; shared: true }) => SharedMemory;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: { sum: Sum } };
};

export const newSharedMemory = (pages: number): SharedMemory =>
  new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });

export function translatedSum(memory: SharedMemory, load: (address: number) => number): Sum {
  const sections = [
    section(1, '2 func 1 i32 1 i32 func 3 i32 i32 i32 1 i32'), // the types of load and sum
    section(2, '2 "env" "load" 0 0 "env" "memory" 2 3 1 0x80 0x80 4'), // imports; shared, 1 to 65,536 pages
    section(3, '1 1'),
    section(7, '1 "sum" 0 1'), // exports
    section(10, `1 ${bytesOf(SUM).length} ${SUM}`),
  ];
  const module = Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]);
  return new WebAssembly.Instance(new WebAssembly.Module(module), { env: { memory, load } }).exports.sum;
}
