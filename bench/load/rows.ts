/** The rows of `npm run load`, measured one after the other against a service in a process of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Load, type Measured, measure } from './measure.ts';
import { EMPTY, type Target, targets } from './targets.ts';

export interface LoadOptions {
  readonly seconds: number;
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
}

interface Server {
  readonly process: ChildProcess;
  readonly emptyUrl: string;
  readonly machineUrl: string;
}

const WARM_UP_SECONDS = 1;

/** @param observe told of each row as it is there */
export async function measureRows(options: LoadOptions, observe: (row: Row) => void): Promise<Row[]> {
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

class Measurement {
  private readonly server: Server;
  private readonly options: LoadOptions;
  private readonly observe: (row: Row) => void;
  private readonly rows: Row[] = [];

  constructor(server: Server, options: LoadOptions, observe: (row: Row) => void) {
    this.server = server;
    this.options = options;
    this.observe = observe;
  }

  async run(): Promise<Row[]> {
    const all = targets(this.options.batch);
    for (const target of [EMPTY, ...all]) await this.measure({ ...target }, WARM_UP_SECONDS, 1);
    await this.row('quiet', EMPTY, null);
    for (const target of all) await this.row('quiet', target, null);
    await this.setChurn('PUT', { rate: this.options.churn });
    for (const target of all) await this.row('churn', target, this.quietOf(target));
    await this.setChurn('DELETE', null);
    return this.rows;
  }

  private quietOf(target: Target): Row {
    return this.rows.find(({ name }) => name === `quiet/${target.name}`)!;
  }

  private async row(phase: 'quiet' | 'churn', target: Target, quiet: Row | null): Promise<void> {
    const { connections, pipelining, seconds } = this.options;
    const before = await this.publications();
    const measured = await this.measure(target, seconds, pipelining);
    const published = (await this.publications()) - before;
    const empty = this.rows[0]?.requestsPerSecond ?? measured.requestsPerSecond;
    const row: Row = {
      ...{ name: `${phase}/${target.name}`, connections, pipelining, ...measured },
      ratioToEmpty: ratio(measured.requestsPerSecond, empty),
      ratioToQuiet: quiet === null ? null : ratio(measured.requestsPerSecond, quiet.requestsPerSecond),
      publicationsPerSecond: Math.round(published / seconds),
    };
    this.rows.push(row);
    this.observe(row);
  }

  private measure(target: Target, seconds: number, pipelining: number): Promise<Measured> {
    const { emptyUrl, machineUrl } = this.server;
    const url = target.path === null ? emptyUrl : `${machineUrl}/${target.path}`;
    const load: Load = { connections: this.options.connections, pipelining, seconds };
    return measure(url, target, load);
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

const ratio = (part: number, whole: number): number => Math.round((100 * part) / whole) / 100;
