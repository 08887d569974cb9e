/**
 * Where things are in the example's machine, for the guest, the devices and main.ts alike. Addresses as uint32.
 *
 *   0x00100000  finisher   one word a hart: its exit code; the host then stops that hart
 *   0x02000000  doorbell   one word a hart: 1 rings (wakes it from WFI), 0 takes the ring back
 *   0x10000000  UART       its place at reset, like a 16550: byte 0 data, byte 5 line status
 *   0x30000000  BAR        one word: where the UART is; a store moves it
 *   0x40000000  UART       its other place
 *   0x80000000  RAM        code, shared words and stacks
 */
export const FINISHER_BASE = 0x0010_0000;
export const FINISHER_SIZE = 0x1000;
/** What a hart that is content writes; taken from the test device of QEMU's virt board. */
export const FINISHER_PASS = 0x5555;

export const DOORBELL_BASE = 0x0200_0000;
export const DOORBELL_SIZE = 0x1000;

export const UART_FIRST_BASE = 0x1000_0000;
export const UART_SECOND_BASE = 0x4000_0000;
export const UART_SIZE = 0x100;
export const UART_DATA = 0;
export const UART_LINE_STATUS = 5;
/** Line status bit: the transmitter takes a character. */
export const UART_READY = 0x20;

export const BAR_BASE = 0x3000_0000;
export const BAR_SIZE = 0x1000;

export const RAM_BASE = 0x8000_0000;
export const RAM_SIZE = 0x1_0000;
/** The first stack ends one STACK_SIZE above. */
export const STACKS_BASE = 0x8000_8000;
export const STACK_SIZE = 0x400;

export const HARTS_MAX = 16;
