/**
 * uart-timer: two devices, each placed where its kind belongs.
 *
 *   node --import tsx examples/uart-timer/main.ts
 *
 * The UART is worker-local: guests store to it often, so its module is loaded in the vCPU's own thread and a
 * character costs no trip to another one. The timer is homed in the control thread: it needs an event loop,
 * and is asked seldom. The guest sleeps between ticks, as in WFI, and takes no processor time.
 */
import { controlDevice, type DeviceCallbacks, Doorbell, localDevice, Machine, MemoryRegion } from 'flatview';
import { REGISTERS, TIMER, UART } from './guest.ts';
import { newUartState, takeSent } from './uart.ts';

/** Its callbacks run in this thread, one at a time, so that plain fields do. */
class Timer implements DeviceCallbacks {
  /** Raises the timer's interrupt; set once there is somebody to wake. */
  interrupt: () => void = () => {};
  private timer: NodeJS.Timeout | undefined;
  private ticks = 0;

  /** Ticks since the last read, whichever register is read: reading takes them. */
  read(): number {
    const { ticks } = this;
    this.ticks = 0;
    return ticks;
  }

  /** A period in milliseconds; 0 stops. */
  write(_offset: number, value: number): void {
    clearInterval(this.timer);
    if (value > 0) this.timer = setInterval(() => this.tick(), value);
  }

  private tick(): void {
    this.ticks += 1;
    this.interrupt();
  }
}

const state = newUartState();
const sent = new Doorbell(); // rung by the UART, in whichever thread it is used
const uart = localDevice(new URL('./uart.ts', import.meta.url), { state, data: sent.handle, lock: 'own' });
const timer = new Timer();

const system = MemoryRegion.container('system', 2n ** 64n);
system.addSubregion(UART, MemoryRegion.io('uart', REGISTERS, uart));
system.addSubregion(TIMER, MemoryRegion.io('timer', REGISTERS, controlDevice(timer)));
const machine = new Machine();
machine.addAddressSpace('memory', system);

const vcpu = machine.startVcpu({ program: new URL('./guest.ts', import.meta.url) });
timer.interrupt = () => vcpu.kick();
let running = true;
const ended = vcpu.finished.finally(() => {
  running = false;
  sent.ring(); // so that what was sent last is printed, and the wait below ends
});
try {
  while (running) {
    await sent.next(); // this thread sleeps, too, until there is something to print
    process.stdout.write(takeSent(state));
  }
  console.log(`the guest saw ${await ended} ticks`);
} finally {
  timer.write(0, 0);
  await machine.close();
}
