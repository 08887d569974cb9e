/** What `/metrics` tells, in a registry of its own. Counts are kept where things happen, and gathered when somebody asks. */
import { Counter, Gauge, Registry } from 'prom-client';
import { LatencyMetric } from './latency-metric.ts';
import type { ServedMachine } from './served-machine.ts';

type MachineGaugeOf = (machine: ServedMachine) => number;

/** Name, help, and how it is read of a machine. */
const MACHINE_GAUGES: readonly (readonly [string, string, MachineGaugeOf])[] = [
  [
    'publications_total',
    'Transactions that changed what vCPUs see',
    ({ machine }) => machine.gauges.publications,
  ],
  ['arena_live_bytes', 'Arena bytes of published views', ({ machine }) => machine.gauges.liveBytes],
  [
    'arena_retired_bytes',
    'Arena bytes that wait for a grace period',
    ({ machine }) => machine.gauges.retiredBytes,
  ],
  [
    'arena_high_water_bytes',
    'The most of the arena that was ever in use',
    ({ machine }) => machine.gauges.highWaterBytes,
  ],
  ['oldest_reader_lag_generations', 'Generations that the vCPU furthest behind has not announced', oldestLag],
  ['vcpus', 'vCPUs that have not ended', ({ vcpuCount }) => vcpuCount],
  ['accesses_total', 'Accesses of requests', ({ accesses }) => accesses.totals().accesses],
  [
    'access_failures_total',
    'Accesses of requests whose result was not MEMTX_OK',
    ({ accesses }) => accesses.totals().failures,
  ],
  ['tlb_hits_total', 'Accesses, of requests and load, that the port remembered', tlbHits],
  [
    'tlb_misses_total',
    'Accesses, of requests and load, that walked the map',
    ({ accesses, load }) => accesses.totals().walks + load.totals().walks,
  ],
  ['load_accesses_total', 'Accesses of load vCPUs', ({ load }) => load.totals().accesses],
  [
    'churn_publications',
    'Layouts published by the churn that runs or ran last',
    ({ churn }) => churn.state.published,
  ],
];

function oldestLag({ machine }: ServedMachine): number {
  return Math.max(0, ...machine.readers.map(({ lag }) => lag));
}

function tlbHits({ accesses, load }: ServedMachine): number {
  const all = [accesses.totals(), load.totals()];
  return Math.max(
    0,
    all.reduce((sum, totals) => sum + totals.accesses - totals.walks, 0),
  );
}

export class ServiceMetrics {
  private readonly registry = new Registry();
  private readonly commits = new LatencyMetric(
    'flatview_commit_seconds',
    'From the first mutator of a transaction until it is published',
  );
  private readonly gracePeriods = new LatencyMetric(
    'flatview_grace_period_seconds',
    'From the retirement of something until it is free again',
  );
  readonly stalls: Counter;
  readonly readerDeaths: Counter;
  readonly backPressure: Counter;
  readonly deviceFailures: Counter;
  /** By status. */
  private readonly requests = new Map<number, number>();

  /** @param machines those that there are when somebody asks */
  constructor(machines: () => readonly ServedMachine[]) {
    const registers = [this.registry];
    const counter = (name: string, help: string): Counter =>
      new Counter({ name: `flatview_${name}`, help, registers });
    for (const { registered } of [this.commits, this.gracePeriods]) this.registry.registerMetric(registered);
    this.stalls = counter('stalls_total', 'Reports of vCPUs that held up a grace period');
    this.readerDeaths = counter('reader_deaths_total', 'vCPUs that ended by themselves');
    this.backPressure = counter('back_pressure_total', 'Transactions refused until readers let go');
    this.deviceFailures = counter(
      'device_failures_total',
      'Accesses that failed in a device, as far as reported',
    );
    for (const [name, help, read] of MACHINE_GAUGES) this.addGauge(name, help, read, machines);
    const { requests } = this;
    new Counter({
      ...{
        name: 'flatview_http_requests_total',
        help: 'Requests answered',
        labelNames: ['status'],
        registers,
      },
      collect() {
        this.reset();
        for (const [status, count] of requests) this.inc({ status }, count);
      },
    });
    new Gauge({
      name: 'flatview_machines',
      help: 'Machines that are ready',
      registers,
      collect() {
        this.set(machines().length);
      },
    });
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }

  answered(status: number): void {
    this.requests.set(status, (this.requests.get(status) ?? 0) + 1);
  }

  committed(commitMs: number): void {
    this.commits.observe(commitMs);
  }

  reclaimed(graceMs: number): void {
    this.gracePeriods.observe(graceMs);
  }

  private addGauge(
    name: string,
    help: string,
    read: MachineGaugeOf,
    machines: () => readonly ServedMachine[],
  ): void {
    const about = { name: `flatview_${name}`, help, labelNames: ['machine'], registers: [this.registry] };
    const Kind = name.endsWith('_total') ? Counter : Gauge;
    new Kind({
      ...about,
      collect() {
        this.reset(); // machines come and go
        for (const machine of machines()) this.inc({ machine: machine.id }, read(machine));
      },
    });
  }
}
