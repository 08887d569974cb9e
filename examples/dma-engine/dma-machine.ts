/** The machine around the engine, and a driver that lends it pages of RAM and takes them back. */
import { type BusMaster, IommuTable, Machine, MemoryRegion } from '../../src/index.ts';
import { BURSTS, BUS_PAGES, type EngineTask, FAULTS, MARK, PAGE } from './engine.ts';

const FRAMES = 64;
/** What the driver fills the pages with that it does not lend. */
const CANARY = 0xca;

export interface DmaRun {
  /** Times that a frame was lent and taken back. */
  readonly loans: number;
  /** Bursts that went through whole; those that met something not mapped. */
  readonly bursts: number;
  readonly faults: number;
  /** Bytes that the engine wrote into pages that were lent to it. */
  readonly written: number;
  /** What went wrong, in sentences; empty if no byte landed anywhere else. */
  readonly problems: readonly string[];
}

class Driver {
  readonly problems: string[] = [];
  written = 0;
  private readonly machine: Machine;
  private readonly ram: MemoryRegion;
  private readonly table: IommuTable;
  private readonly counts: Int32Array;

  constructor(machine: Machine, ram: MemoryRegion, table: IommuTable, counts: Int32Array) {
    this.machine = machine;
    this.ram = ram;
    this.table = table;
    this.counts = counts;
    for (let frame = 0; frame < FRAMES; frame += 1) this.fill(frame);
  }

  /** Lends `frame` at a page of the bus until the engine has tried it, then takes it back and looks at it. */
  async lend(frame: number, page: number): Promise<void> {
    this.table.map({ iova: page * PAGE, size: PAGE, target: frame * PAGE, permission: 'write' });
    await this.turnOfTheEngine();
    await this.table.unmap(page * PAGE, PAGE); // from here on no thread has the old translation
    const bytes = this.machine.readRam(this.ram, frame * PAGE, PAGE);
    this.written += bytes.filter((byte) => byte === MARK).length;
    this.fill(frame); // it is ours again
  }

  /** Whether every frame, none being lent, is as the driver left it. */
  inspect(when: string): void {
    const bytes = this.machine.readRam(this.ram, 0, FRAMES * PAGE);
    const at = bytes.findIndex((byte) => byte !== CANARY);
    if (at >= 0)
      this.problems.push(`${when}: byte ${at % PAGE} of frame ${Math.floor(at / PAGE)} was overwritten`);
  }

  /** Waits until the engine has been at every page of the bus. */
  async turnOfTheEngine(): Promise<void> {
    const tries = (): number => Atomics.load(this.counts, BURSTS) + Atomics.load(this.counts, FAULTS);
    const enough = tries() + 2 * BUS_PAGES;
    while (tries() < enough) await new Promise((resolve) => setTimeout(resolve, 0));
  }

  private fill(frame: number): void {
    this.machine.writeRam(this.ram, frame * PAGE, new Uint8Array(PAGE).fill(CANARY));
  }
}

/** RAM in `memory`; behind the engine's own `dma` an IOMMU that leads there, once the engine is bus master. */
function build(machine: Machine): { ram: MemoryRegion; table: IommuTable; engine: BusMaster } {
  const ram = MemoryRegion.ram('ram', FRAMES * PAGE);
  const system = MemoryRegion.container('system', 2n ** 64n);
  system.addSubregion(0, ram);
  const table = new IommuTable(machine.addAddressSpace('memory', system));
  const engine = machine.addBusMaster('dma', MemoryRegion.iommu('iommu', 2n ** 64n, table));
  return { ram, table, engine };
}

export async function runDma(loans: number): Promise<DmaRun> {
  const machine = new Machine({ ramReserveBytes: 2 ** 20, checked: true });
  try {
    const { ram, table, engine } = build(machine);
    const counts = new Int32Array(new SharedArrayBuffer(8));
    const data: EngineTask = { counts: counts.buffer };
    const program = new URL('./engine.ts', import.meta.url);
    const driver = new Driver(machine, ram, table, counts);
    await machine.startVcpu({ program, data, addressSpaces: ['dma'] }).started;

    await driver.lend(0, 0);
    if (driver.written > 0) driver.problems.push('the engine wrote without being bus master');
    engine.setEnabled(true);
    for (let loan = 0; loan < loans; loan += 1) {
      const page = loan % (BUS_PAGES - 1);
      // Two neighbours on the bus that are none in RAM: bursts straddle them.
      await Promise.all([
        driver.lend((5 * loan) % FRAMES, page),
        driver.lend((5 * loan + 31) % FRAMES, page + 1),
      ]);
      driver.inspect(`after loan ${loan}`);
    }
    await driver.turnOfTheEngine();
    driver.inspect('in the end');
    await machine.stop();
    return {
      loans,
      bursts: counts[BURSTS]!,
      faults: counts[FAULTS]!,
      written: driver.written,
      problems: driver.problems,
    };
  } finally {
    await machine.close();
  }
}
