/**
 * A guest for QEMU's `virt` machine of RISC-V: each hart reads the line status register of the UART `READS` times, and
 * the last one to finish stops the machine. The machine's exit status is 0 only if every read of it found
 * an idle line. Machine mode, no traps; encodings that RV32 and RV64 share.
 * @source QEMU docs/system/riscv/virt.rst for the devices; the addresses are in the device tree that it dumps
 */
import { assemble } from '../../examples/smp-counter/assembler.ts';

const GUEST_START = 0x8000_0000;

const SYMBOLS = {
  UART: 0x1000_0000,
  LINE_STATUS: 5,
  LINE_IDLE: 0x60, // both transmit bits are set, nothing was received
  TEST_FINISHER: 0x10_0000,
  PASS: 0x5555,
  FAIL: 0x1_3333, // exit status 1
};

const SOURCE = `
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
    li    t2, PASS
stop:
    li    t1, TEST_FINISHER
    sw    t2, 0(t1)
sleep:
    wfi
    j     sleep
finished:
    .word 0
`;

/** Little-endian words for QEMU's -bios, to run at the start of its RAM. */
export const guestWords = (reads: number, harts: number): Int32Array =>
  assemble(SOURCE, GUEST_START, { ...SYMBOLS, READS: reads, OTHER_HARTS: harts - 1 }).words;
