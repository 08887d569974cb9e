/**
 * dma-engine: a thread masters the bus through its own address space, behind an IOMMU whose mappings change.
 *
 *   node --import tsx examples/dma-engine/main.ts [LOANS]     default: 100
 *
 * The driver, here in the control thread, lends the engine pages of RAM and takes them back. The engine writes bursts
 * wherever it is let. Once `await unmap` has returned no thread has the old translation, so the page is the driver's
 * again: it fills it with a canary, and if that is ever overwritten the exit status is 1.
 */
import { IommuTable, Machine, MemoryRegion } from 'flatview';
import { BURSTS, BUS_PAGES, type EngineTask, FAULTS, MARK, PAGE } from './engine.ts';

const FRAMES = 64;
const CANARY = 0xca;

const loans = Number(process.argv[2] ?? 100);
const state = new SharedArrayBuffer(8);
const counts = new Int32Array(state);
const problems: string[] = [];
let written = 0;

// RAM in `memory`; behind the engine's own `dma` an IOMMU that leads there, once the engine is bus master.
const machine = new Machine({ checked: true });
const ram = MemoryRegion.ram('ram', FRAMES * PAGE);
const system = MemoryRegion.container('system', 2n ** 64n);
system.addSubregion(0, ram);
const table = new IommuTable(machine.addAddressSpace('memory', system));
const engine = machine.addBusMaster('dma', MemoryRegion.iommu('iommu', 2n ** 64n, table));

const fill = (frame: number): void => machine.writeRam(ram, frame * PAGE, new Uint8Array(PAGE).fill(CANARY));

/** Waits until the engine has been at every page of the bus. */
async function turnOfTheEngine(): Promise<void> {
  const tries = (): number => Atomics.load(counts, BURSTS) + Atomics.load(counts, FAULTS);
  const enough = tries() + 2 * BUS_PAGES;
  while (tries() < enough) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** Lends `frame` at a page of the bus until the engine has tried it, takes it back, and counts what was written. */
async function lend(frame: number, page: number): Promise<void> {
  table.map({ iova: page * PAGE, size: PAGE, target: frame * PAGE, permission: 'write' });
  await turnOfTheEngine();
  await table.unmap(page * PAGE, PAGE); // from here on no thread has the old translation
  written += machine.readRam(ram, frame * PAGE, PAGE).filter((byte) => byte === MARK).length;
  fill(frame); // it is ours again
}

/** Whether every frame, none being lent, is as the driver left it. */
function inspect(when: string): void {
  const at = machine.readRam(ram, 0, FRAMES * PAGE).findIndex((byte) => byte !== CANARY);
  if (at >= 0) problems.push(`${when}: byte ${at % PAGE} of frame ${Math.floor(at / PAGE)} was overwritten`);
}

try {
  for (let frame = 0; frame < FRAMES; frame += 1) fill(frame);
  const data: EngineTask = { counts: state };
  const program = new URL('./engine.ts', import.meta.url);
  await machine.startVcpu({ program, data, addressSpaces: ['dma'] }).started;

  await lend(0, 0);
  if (written > 0) problems.push('the engine wrote without being bus master');
  engine.setEnabled(true);
  for (let loan = 0; loan < loans; loan += 1) {
    const page = loan % (BUS_PAGES - 1);
    // Two neighbours on the bus that are none in RAM: bursts straddle them.
    await Promise.all([lend((5 * loan) % FRAMES, page), lend((5 * loan + 31) % FRAMES, page + 1)]);
    inspect(`after loan ${loan}`);
  }
  await turnOfTheEngine();
  inspect('in the end');
  await machine.stop();
} finally {
  await machine.close();
}
console.log(`${2 * loans} pages lent and taken back, ${written} bytes written into them`);
console.log(`${counts[BURSTS]} bursts went through, ${counts[FAULTS]} met something that was not mapped`);
if (written === 0) problems.push('the engine wrote nothing at all');
console.log(problems.length === 0 ? 'nothing landed anywhere else' : problems.join('\n'));
if (problems.length > 0) process.exitCode = 1;
