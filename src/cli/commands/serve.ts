/** `flatview serve`: the HTTP service. What it needs is loaded when it is asked for: no other command pays for it. */
import { type Command, InvalidArgumentError } from 'commander';
import { MemoryError } from '../../base/errors.ts';
import type { ServiceLimits, ServiceOptions } from '../../http/service-options.ts';
import { untilAskedToEnd } from '../interrupt.ts';
import { integerBetween, VCPUS_MAX } from '../options.ts';
import { printJson, printProgress } from '../output.ts';

interface Options extends Partial<Omit<ServiceLimits, 'vcpus'>> {
  readonly host: string;
  readonly port: number;
  readonly token?: string;
  readonly machine?: string;
  readonly vcpus: number;
  readonly vcpusMax: number;
  readonly logLevel: NonNullable<ServiceOptions['logLevel']>;
  readonly json?: true;
}

const PORT_DEFAULT = 8642;
const PORT_MAX = 65_535;
const COUNT_MAX = 1_000_000;
const MIB = 2 ** 20;

export function registerServe(program: Command): void {
  program
    .command('serve')
    .summary('serve machines over HTTP')
    .description(
      'Serves machines over HTTP: their layouts change by transactions, their memory is accessed through vCPUs, and ' +
        'what happens is told as events and metrics. /docs says what can be asked. Ends when it is interrupted, after ' +
        'the requests in hand, with status 0.',
    )
    .option('--host <address>', 'where to listen; others than loopback need a token', '127.0.0.1')
    .option(
      '--port <number>',
      'where to listen; 0: any that is free',
      integerBetween(0, PORT_MAX),
      PORT_DEFAULT,
    )
    .option(
      '--token <text>',
      'what requests must carry as a bearer token; or FLATVIEW_TOKEN in the environment',
    )
    .option('--machine <name>', 'make a machine of this bundled layout, under its name')
    .option(
      '--vcpus <count>',
      'vCPUs that serve the accesses of that machine',
      integerBetween(1, VCPUS_MAX),
      1,
    )
    .option('--machines <count>', 'machines at a time', integerBetween(1, 1024))
    .option('--vcpus-max <count>', 'vCPUs of one machine', integerBetween(1, VCPUS_MAX), 16)
    .option('--batch <count>', 'accesses of one request', integerBetween(1, 4096))
    .option('--body-bytes <count>', "bytes of a request's body", integerBetween(1024, 1024 * MIB))
    .option(
      '--requests-per-second <count>',
      'of one client address; 0: no limit',
      integerBetween(0, COUNT_MAX),
    )
    .option(
      '--dear-requests-per-second <count>',
      'of those that make, change or print',
      integerBetween(0, COUNT_MAX),
    )
    .option('--streams <count>', 'event streams at a time', integerBetween(1, 10_000))
    .option('--connections <count>', 'connections at a time', integerBetween(1, 100_000))
    .option('--request-ms <ms>', 'time to send a request in', integerBetween(100, 600_000))
    .option('--drain-ms <ms>', 'time for requests in hand when it ends', integerBetween(0, 600_000))
    .option(
      '--log-level <level>',
      'debug (a line a request), info, warn, error or silent; to standard error',
      level,
      'info',
    )
    .option('--json', 'print where it listens as one JSON document')
    .action((options: Options) => serve(options));
}

async function serve({ host, port, machine, vcpus, vcpusMax, json, ...rest }: Options): Promise<void> {
  const { Service } = await import('../../http/service.ts');
  const token = rest.token ?? process.env['FLATVIEW_TOKEN'];
  const service = new Service({
    ...rest,
    vcpus: vcpusMax,
    ...(token !== undefined && token !== '' && { token }),
  });
  try {
    if (machine !== undefined) await service.store.create({ machine, id: machine, vcpus });
    const url = await service.listen(port, host);
    const askedToEnd = untilAskedToEnd();
    if (json) printJson({ url });
    else process.stdout.write(`${url}\n`);
    printProgress(
      `flatview serve: ${url} is its page, ${url}/docs what can be asked; interrupt it to end it`,
    );
    await askedToEnd;
  } catch (error) {
    throw listenError(error, `${host}:${port}`);
  } finally {
    await service.close();
  }
}

/** What the system says of an address is the caller's to mend. */
function listenError(error: unknown, where: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const mend = LISTEN_MENDS[code];
  return mend === undefined
    ? error
    : new MemoryError('INVALID_ARGUMENT', `${where}: ${mend}`, { cause: error });
}

const LISTEN_MENDS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken; give another --port, or 0 for any that is free',
  EACCES: 'may not be listened on; give a --port from 1024',
  EADDRNOTAVAIL: 'is no address of this computer; give another --host',
  ENOTFOUND: 'is not known; give another --host',
};

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

function level(text: string): (typeof LEVELS)[number] {
  const known = LEVELS.find((name) => name === text);
  if (known === undefined) throw new InvalidArgumentError(`Give ${LEVELS.join(', ')}.`);
  return known;
}
