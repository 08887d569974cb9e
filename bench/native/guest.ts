/**
 * Guests for QEMU's `virt` machine of RISC-V, which do one thing a number of times and stop the machine. Its exit
 * status is 0 only if what they saw was right. Machine mode, no traps; encodings that RV32 and RV64 share.
 * @source QEMU docs/system/riscv/virt.rst and docs/specs/edu.rst; the addresses are in the device tree that it dumps
 */
import { assemble } from '../../examples/smp-counter/assembler.ts';

const GUEST_START = 0x8000_0000;

/** Ends both guests; t2 is what the test finisher gets. */
const STOP = `
    li    t2, PASS
stop:
    li    t1, TEST_FINISHER
    sw    t2, 0(t1)
sleep:
    wfi
    j     sleep
`;

const STOP_SYMBOLS = {
  TEST_FINISHER: 0x10_0000,
  PASS: 0x5555,
  FAIL: 0x1_3333, // exit status 1
};

const UART_SOURCE = `
    li    s0, UART
    li    s1, READS
    mv    t0, s1
    li    s2, 0
loop:
    lbu   t1, LINE_STATUS(s0)
    add   s2, s2, t1
    addi  t0, t0, -1
    bnez  t0, loop

    li    t1, LINE_IDLE
    mul   t0, s1, t1
    li    t2, FAIL
    bne   s2, t0, stop
    la    t1, finished
    li    t2, 1
    amoadd.w t2, t2, (t1)
    li    t3, OTHER_HARTS
    bne   t2, t3, sleep
${STOP}
finished:
    .word 0
`;

const UART_SYMBOLS = {
  ...STOP_SYMBOLS,
  UART: 0x1000_0000,
  LINE_STATUS: 5,
  LINE_IDLE: 0x60, // both transmit bits are set, nothing was received
};

/** Each hart reads the UART's line status `reads` times; the last one to finish stops the machine. */
export const uartGuest = (reads: number, harts: number): Int32Array =>
  assemble(UART_SOURCE, GUEST_START, { ...UART_SYMBOLS, READS: reads, OTHER_HARTS: harts - 1 }).words;

const RAM_SOURCE = `
    auipc s1, 0x100
    li    t0, LOADS_A_PASS
    mv    t1, s1
    li    t2, VALUE
fill:
    sw    t2, 0(t1)
    addi  t1, t1, 4
    addi  t0, t0, -1
    bnez  t0, fill

    li    s0, PASSES
    li    t3, 0
pass:
    li    t0, BLOCKS
    mv    t1, s1
block:
${Array.from({ length: 8 }, (_, i) => `    lw    t2, ${4 * i}(t1)\n    add   t3, t3, t2`).join('\n')}
    addi  t1, t1, 32
    addi  t0, t0, -1
    bnez  t0, block
    addi  s0, s0, -1
    bnez  s0, pass

    li    t0, PASSES
    li    t1, SUM_OF_PASS
    mul   t0, t0, t1
    li    t2, FAIL
    bne   t0, t3, stop
${STOP}
`;

/** Loads of one pass: a window of 256 KiB, as access/sequential. */
export const LOADS_A_PASS = 65_536;

const VALUE = 5;

const RAM_SYMBOLS = {
  ...STOP_SYMBOLS,
  LOADS_A_PASS,
  BLOCKS: LOADS_A_PASS / 8,
  VALUE,
  SUM_OF_PASS: LOADS_A_PASS * VALUE,
};

/** Loads the words of a window of RAM, one after the other; `passes` times. */
export const ramGuest = (passes: number): Int32Array =>
  assemble(RAM_SOURCE, GUEST_START, { ...RAM_SYMBOLS, PASSES: passes }).words;

const BAR_SOURCE = `
    li    t1, FIRST_FUNCTION
    li    t0, FUNCTIONS
    li    s1, FUNCTION_BYTES
    li    s2, BAR_BYTES
    li    t2, BARS
    li    t3, DECODE_MEMORY
place:
    sw    t2, BAR_0(t1)
    sh    t3, COMMAND(t1)
    add   t1, t1, s1
    add   t2, t2, s2
    add   t2, t2, s2
    addi  t0, t0, -1
    bnez  t0, place

    li    t1, MIDDLE_FUNCTION
    lw    t2, BAR_0(t1)
    li    t0, MOVES
move:
    xor   t2, t2, s2
    sw    t2, BAR_0(t1)
    addi  t0, t0, -1
    bnez  t0, move

    lw    t0, 0(t2)
    li    t1, IDENTITY
    li    t2, FAIL
    bne   t0, t1, stop
${STOP}
`;

const FIRST_FUNCTION = 0x3000_8000; // configuration space of 00:01.0
const FUNCTION_BYTES = 0x1000;

const BAR_SYMBOLS = {
  ...STOP_SYMBOLS,
  FIRST_FUNCTION,
  FUNCTION_BYTES,
  COMMAND: 4,
  DECODE_MEMORY: 2,
  BAR_0: 0x10,
  BARS: 0x4000_0000,
  BAR_BYTES: 0x10_0000,
  IDENTITY: 0x0100_00ed, // first register of an edu device
};

/**
 * Places the BARs of `functions` edu devices with as much room between them, then moves the one in the middle
 * `moves` times, into the gap after it and back.
 */
export const barGuest = (moves: number, functions: number): Int32Array =>
  assemble(BAR_SOURCE, GUEST_START, {
    ...BAR_SYMBOLS,
    FUNCTIONS: functions,
    MIDDLE_FUNCTION: FIRST_FUNCTION + (functions >>> 1) * FUNCTION_BYTES,
    MOVES: moves,
  }).words;
