/**
 * What the interpreter needs of a vCPU's memory port; `MemoryPort` of flatview/vcpu has this shape, and so
 * has the single-threaded stand-in of the tests. Addresses are int32 halves (hi, lo); values are int32.
 */
export interface GuestPort {
  /** MemTxResult of the last access. */
  readonly result: number;
  load8(hi: number, lo: number): number;
  load16(hi: number, lo: number): number;
  load32(hi: number, lo: number): number;
  store8(hi: number, lo: number, value: number): void;
  store16(hi: number, lo: number, value: number): void;
  store32(hi: number, lo: number, value: number): void;
  atomicAdd32(hi: number, lo: number, value: number): number;
  atomicAnd32(hi: number, lo: number, value: number): number;
  atomicOr32(hi: number, lo: number, value: number): number;
  atomicXor32(hi: number, lo: number, value: number): number;
  atomicSwap32(hi: number, lo: number, value: number): number;
  atomicCompareExchange32(hi: number, lo: number, expected: number, replacement: number): number;
}

/** The part of a vCPU by which a program lives with its host. */
export interface GuestHost {
  readonly id: number;
  readonly memory: GuestPort;
  checkpoint(): boolean;
  waitForInterrupt(): boolean;
}
