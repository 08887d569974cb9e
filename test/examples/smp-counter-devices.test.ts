/** The example's devices on their own: the UART's wire and the doorbell's words. */
import { describe, expect, test } from 'vitest';
import createDoorbell, { newDoorbellState } from '../../examples/smp-counter/doorbell.ts';
import {
  HARTS_MAX,
  UART_DATA,
  UART_LINE_STATUS,
  UART_READY,
} from '../../examples/smp-counter/machine-map.ts';
import createUart, { newUartState, UartReader } from '../../examples/smp-counter/uart.ts';
import { noMemory } from '../support/no-memory.ts';

const contextFor = (state: SharedArrayBuffer, interrupt: (vcpu: number) => void = () => undefined) => ({
  regionName: 'device',
  state,
  data: null,
  vcpu: 0,
  interrupt,
  memory: noMemory,
});

describe('UART', () => {
  test('instances that share their state are one UART', () => {
    const state = newUartState();
    const [one, other] = [createUart(contextFor(state)), createUart(contextFor(state))];
    const reader = new UartReader(state);
    for (const [index, letter] of [...'flatview'].entries()) {
      (index % 2 === 0 ? one : other).write(UART_DATA, letter.charCodeAt(0), 1);
    }
    expect(reader.take()).toBe('flatview');
    expect(reader.take()).toBe('');
  });

  test('a full ring is not ready, loses what is stored all the same, and is ready once it was read', () => {
    const state = newUartState();
    const uart = createUart(contextFor(state));
    const reader = new UartReader(state);
    let stored = 0;
    for (; uart.read(UART_LINE_STATUS, 1) === UART_READY; stored++) uart.write(UART_DATA, 0x61, 1);
    uart.write(UART_DATA, 0x62, 1);
    expect(reader.take()).toBe('a'.repeat(stored));
    expect(uart.read(UART_LINE_STATUS, 1)).toBe(UART_READY);
    uart.write(UART_DATA, 0x63, 1);
    expect(reader.take()).toBe('c');
  });

  test('other registers read as zero and take no characters', () => {
    const state = newUartState();
    const uart = createUart(contextFor(state));
    uart.write(1, 0x61, 1);
    expect(uart.read(UART_DATA, 1)).toBe(0);
    expect(new UartReader(state).take()).toBe('');
  });
});

describe('doorbell', () => {
  test('1 rings that hart and stays to be read, 0 takes it back without a ring', () => {
    const rung: number[] = [];
    const doorbell = createDoorbell(contextFor(newDoorbellState(), (vcpu) => rung.push(vcpu)));
    doorbell.write(8, 1, 4);
    expect([rung, doorbell.read(8, 4), doorbell.read(4, 4)]).toEqual([[2], 1, 0]);
    doorbell.write(8, 0, 4);
    expect([rung, doorbell.read(8, 4)]).toEqual([[2], 0]);
  });

  test('there is nothing behind the last hart', () => {
    const rung: number[] = [];
    const doorbell = createDoorbell(contextFor(newDoorbellState(), (vcpu) => rung.push(vcpu)));
    doorbell.write(4 * HARTS_MAX, 1, 4);
    expect([rung, doorbell.read(4 * HARTS_MAX, 4)]).toEqual([[], 0]);
  });
});
