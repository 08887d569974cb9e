/** A guest's mistake that ends its hart: there is no trap handler to go to. The message says who, what and where. */
export class GuestFault extends Error {
  override readonly name = 'GuestFault';
  /** Addresses as uint32. `address` is that of the data, or of the instruction itself. */
  readonly hart: number;
  readonly pc: number;
  readonly address: number;

  constructor(cause: string, hart: number, pc: number, address: number) {
    super(`hart ${hart}: ${cause} at address ${hex(address)} (pc ${hex(pc)})`);
    this.hart = hart;
    this.pc = pc >>> 0;
    this.address = address >>> 0;
  }
}

export const hex = (value: number): string => `0x${(value >>> 0).toString(16).padStart(8, '0')}`;
