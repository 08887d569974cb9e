/** The rows of `npm run load`, measured one after the other against a service in a process of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Measured, measure } from './measure.ts';
import { EMPTY, type Target, targets } from './targets.ts';

export interface LoadOptions {
  /** Of each row, in each round. */
  readonly seconds: number;
  readonly rounds: number;
  readonly connections: number;
  readonly pipelining: number;
  readonly batch: number;
  readonly vcpus: number;
  /** Layouts a second in the second half. */
  readonly churn: number;
}

export interface Row extends Measured {
  readonly name: string;
  readonly connections: number;
  readonly pipelining: number;
  /** Requests a second, as a part of those of the empty route over as many connections. */
  readonly ratioToEmpty: number;
  /** Of a row under churn: as a part of the same in quiet. */
  readonly ratioToQuiet: number | null;
  /** Layouts that were published a second meanwhile. */
  readonly publicationsPerSecond: number;
  /** Processor time of the service, all its threads: what is left to compare where others use the computer too. */
  readonly cpuUsPerRequest: number;
}

interface Sample extends Measured {
  readonly publicationsPerSecond: number;
  readonly cpuUsPerRequest: number;
}

interface Server {
  readonly process: ChildProcess;
  readonly emptyUrl: string;
  readonly machineUrl: string;
}

const WARM_UP_SECONDS = 1;

/** @param observe told how it goes */
export async function measureRows(options: LoadOptions, observe: (line: string) => void): Promise<Row[]> {
  const server = await startServer(options.vcpus);
  try {
    return await new Measurement(server, options, observe).run();
  } finally {
    server.process.disconnect();
    await once(server.process, 'exit');
  }
}

async function startServer(vcpus: number): Promise<Server> {
  const program = fileURLToPath(new URL('../programs/load-server.ts', import.meta.url));
  const process = fork(program, [String(vcpus)], { execArgv: ['--import', 'tsx'] });
  const failed = once(process, 'exit').then(([code]) => {
    throw new Error(`the service ended with ${String(code)} before it listened`);
  });
  const [urls] = (await Promise.race([once(process, 'message'), failed])) as [Omit<Server, 'process'>];
  failed.catch(() => {}); // it ends some day, of course
  return { process, ...urls };
}

/** Each row is measured in every round, so that what else the computer does strikes all rows alike. */
class Measurement {
  private readonly server: Server;
  private readonly options: LoadOptions;
  private readonly observe: (name: string) => void;
  private readonly samples = new Map<string, Sample[]>();

  constructor(server: Server, options: LoadOptions, observe: (name: string) => void) {
    this.server = server;
    this.options = options;
    this.observe = observe;
  }

  async run(): Promise<Row[]> {
    const { rounds, churn, batch } = this.options;
    const all = targets(batch);
    for (const target of [EMPTY, ...all]) await this.measure(target, WARM_UP_SECONDS);
    for (let round = 1; round <= rounds; round += 1) {
      this.observe(`round ${round} of ${rounds}`);
      for (const target of [EMPTY, ...all]) await this.sample('quiet', target);
      await this.setChurn('PUT', { rate: churn });
      await this.measure(all[0]!, WARM_UP_SECONDS); // the first laps are slow: code is compiled
      for (const target of all) await this.sample('churn', target);
      await this.setChurn('DELETE', null);
    }
    return [...this.samples].map(([name, samples]) => this.rowOf(name, samples));
  }

  private async sample(phase: 'quiet' | 'churn', target: Target): Promise<void> {
    const { seconds } = this.options;
    const before = await this.publications();
    const cpuBefore = await this.cpuUs();
    const measured = await this.measure(target, seconds);
    const cpuUs = (await this.cpuUs()) - cpuBefore;
    const published = (await this.publications()) - before;
    const name = `${phase}/${target.name}`;
    const known = this.samples.get(name) ?? [];
    this.samples.set(name, known);
    known.push({
      ...measured,
      publicationsPerSecond: Math.round(published / seconds),
      cpuUsPerRequest: Math.round(cpuUs / (measured.requestsPerSecond * seconds)),
    });
  }

  private rowOf(name: string, samples: readonly Sample[]): Row {
    const { connections, pipelining } = this.options;
    const middle = (field: keyof Sample): number => median(samples.map((sample) => sample[field]));
    const most = (field: keyof Sample): number => Math.max(...samples.map((sample) => sample[field]));
    const sum = (field: keyof Sample): number => samples.reduce((total, sample) => total + sample[field], 0);
    return {
      ...{ name, connections, pipelining },
      ...{ requestsPerSecond: middle('requestsPerSecond'), accessesPerSecond: middle('accessesPerSecond') },
      ...{ p50Ms: middle('p50Ms'), p90Ms: middle('p90Ms'), p99Ms: middle('p99Ms'), maxMs: most('maxMs') },
      ...{ non2xx: sum('non2xx'), errors: sum('errors') },
      ratioToEmpty: this.ratio(samples, 'quiet/empty'),
      ratioToQuiet: name.startsWith('quiet/') ? null : this.ratio(samples, name.replace('churn/', 'quiet/')),
      publicationsPerSecond: middle('publicationsPerSecond'),
      cpuUsPerRequest: middle('cpuUsPerRequest'),
    };
  }

  /** Round by round: what was measured at about the same time is compared. */
  private ratio(samples: readonly Sample[], to: string): number {
    const others = this.samples.get(to)!;
    const ratios = samples.map(
      ({ requestsPerSecond }, round) => requestsPerSecond / others[round]!.requestsPerSecond,
    );
    return Math.round(100 * median(ratios)) / 100;
  }

  private measure(target: Target, seconds: number): Promise<Measured> {
    const { emptyUrl, machineUrl } = this.server;
    const url = target.path === null ? emptyUrl : `${machineUrl}/${target.path}`;
    const { connections, pipelining } = this.options;
    return measure(url, target, { connections, pipelining, seconds });
  }

  private async cpuUs(): Promise<number> {
    const { process } = this.server;
    const answer = once(process, 'message') as Promise<[number]>;
    process.send('usage');
    return (await answer)[0];
  }

  private async publications(): Promise<number> {
    const response = await fetch(this.server.machineUrl);
    const { gauges } = (await response.json()) as { gauges: { publications: number } };
    return gauges.publications;
  }

  private async setChurn(method: string, body: object | null): Promise<void> {
    const response = await fetch(`${this.server.machineUrl}/churn`, {
      method,
      ...(body !== null && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    if (!response.ok) throw new Error(`churn: ${await response.text()}`);
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}
