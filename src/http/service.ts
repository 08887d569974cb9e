/**
 * The HTTP service: machines, their layouts and their memory, over JSON. The process's one control thread serves all
 * requests; accesses go to vCPUs on threads of their own and come back by shared memory.
 * Guarantee: a client that goes away, sends half a request, garbage, or more than its share, ends with its own
 * connection and its own requests; close() leaves no thread, no timer and no connection.
 */
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import rateLimit from '@fastify/rate-limit';
import Fastify, { LogController } from 'fastify';
import { MemoryError } from '../base/errors.ts';
import { answerClientError, answerErrors, sendProblem } from './answer-errors.ts';
import { describeApi } from './api-document.ts';
import type { App, ServiceParts } from './app.ts';
import { guardFor, isLoopback } from './guard.ts';
import { MachineStore, serviceCloses } from './machine-store.ts';
import { servePage } from './page-files.ts';
import { ServiceError } from './problem.ts';
import { accessRoutes } from './routes/accesses.ts';
import { eventRoutes } from './routes/events.ts';
import { healthRoutes } from './routes/health.ts';
import { inspectionRoutes } from './routes/inspection.ts';
import { machineRoutes } from './routes/machines.ts';
import { transactionRoutes } from './routes/transactions.ts';
import { vcpuRoutes } from './routes/vcpus.ts';
import { workloadRoutes } from './routes/workload.ts';
import type { MachineObserver } from './served-machine.ts';
import { ServiceMetrics } from './service-metrics.ts';
import { limitsFrom, type ServiceLimits, type ServiceOptions } from './service-options.ts';

/** After that long without a byte either way a connection ends: its client reads no answer. */
const SILENCE_MS_MAX = 120_000;
const CONNECTIONS_CHECK_MS = 500;
/** Names of address spaces may be long. */
const PARAM_LENGTH_MAX = 512;
const REQUEST_ID = /^[\w.-]{1,64}$/;

export class Service {
  /** Fastify's instance: `inject()` asks without a port. */
  readonly app: App;
  readonly store: MachineStore;
  private readonly options: ServiceOptions;
  private readonly limits: ServiceLimits;
  private readonly metrics: ServiceMetrics;
  private isReady = true;
  private preparing: Promise<void> | null = null;
  private closing: Promise<void> | null = null;

  /** @throws MemoryError INVALID_ARGUMENT for an option out of its bounds */
  constructor(options: ServiceOptions = {}) {
    this.options = options;
    this.limits = limitsFrom(options);
    this.app = createApp(options, this.limits);
    this.metrics = new ServiceMetrics(() => this.store.all);
    this.store = new MachineStore(this.limits, this.observer(), options.checked ?? false);
    this.app.addHook('onResponse', (_request, { statusCode }, done) => {
      this.metrics.answered(statusCode);
      done();
    });
    this.app.addHook('onRequest', ({ url }, _reply, done) => {
      if (!this.isReady && url.startsWith('/v1/')) throw serviceCloses();
      done();
    });
    this.app.addHook('preClose', async () => {
      for (const { events } of this.store.all) events.close();
    });
    this.app.addHook('onClose', () => this.store.close());
  }

  /** Registers all routes; listen() does it too. Calling it again is harmless. */
  async ready(): Promise<this> {
    this.preparing ??= this.prepare();
    await this.preparing;
    return this;
  }

  /**
   * @param port 0: any that is free
   * @returns where it listens, as http://…
   * @throws MemoryError INVALID_ARGUMENT for an address that others can reach, without a token; what Node throws
   */
  async listen(port: number, host = '127.0.0.1'): Promise<string> {
    if (this.options.token === undefined && !isLoopback(host)) {
      throw new MemoryError(
        'INVALID_ARGUMENT',
        `others can reach this service at '${host}', so it needs a token that they must carry; give one, or listen on 127.0.0.1`,
      );
    }
    await this.ready();
    await this.app.listen({ port, host });
    const { address, family, port: bound } = this.app.server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`;
  }

  /** Takes no more requests, lets those in hand end, and ends all machines. Calling it again is harmless. */
  close(): Promise<void> {
    this.closing ??= this.drain();
    return this.closing;
  }

  private async drain(): Promise<void> {
    this.isReady = false;
    const late = setTimeout(() => this.app.server.closeAllConnections(), this.limits.drainMs);
    try {
      await this.app.close();
    } finally {
      clearTimeout(late);
    }
  }

  private async prepare(): Promise<void> {
    const { app, limits, metrics, store } = this;
    const parts: ServiceParts = { limits, metrics, store, isReady: () => this.isReady };
    answerErrors(app);
    await this.addPlugins();
    for (const routes of ROUTES) routes(app, parts);
    await app.ready();
  }

  private async addPlugins(): Promise<void> {
    const { app, limits } = this;
    await describeApi(app);
    if (limits.requestsPerSecond > 0) {
      await app.register(rateLimit, {
        max: limits.requestsPerSecond,
        timeWindow: 1000,
        addHeaders: NO_HEADERS,
        addHeadersOnExceeding: NO_HEADERS,
        errorResponseBuilder: (_request, { max }) =>
          new ServiceError(429, 'RATE_LIMITED', `this address has had its ${max} requests of this second`),
      });
    }
    await servePage(app);
  }

  private observer(): MachineObserver {
    const { metrics } = this;
    const { log } = this.app;
    return {
      committed: (_machine, { commitMs }) => metrics.committed(commitMs),
      reclaimed: (_machine, graceMs) => metrics.reclaimed(graceMs),
      stalled: ({ id }, report) => {
        metrics.stalls.inc();
        log.warn({ machine: id, ...report }, 'a vCPU holds up a grace period');
      },
      deviceFailed: ({ id }, report) => {
        metrics.deviceFailures.inc();
        log.warn({ machine: id, ...report }, 'a device failed an access');
      },
      vcpuDied: ({ id }, error) => {
        metrics.readerDeaths.inc();
        log.error({ machine: id, err: error }, 'a vCPU died');
      },
      backPressure: () => metrics.backPressure.inc(),
      failed: ({ id }, error) => log.error({ machine: id, err: error }, 'a fault of ours'),
    };
  }
}

const ROUTES = [
  healthRoutes,
  machineRoutes,
  inspectionRoutes,
  transactionRoutes,
  accessRoutes,
  workloadRoutes,
  vcpuRoutes,
  eventRoutes,
];

const NO_HEADERS = {
  'x-ratelimit-limit': false,
  'x-ratelimit-remaining': false,
  'x-ratelimit-reset': false,
  'retry-after': false,
};

function createApp(options: ServiceOptions, limits: ServiceLimits): App {
  const { logLevel = 'silent', logTo = process.stderr } = options;
  const prefix = randomBytes(4).toString('hex');
  let requests = 0;
  const app: App = Fastify({
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestMs,
    connectionTimeout: SILENCE_MS_MAX,
    http: { connectionsCheckingInterval: CONNECTIONS_CHECK_MS, headersTimeout: limits.requestMs },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, allowUnionTypes: true } },
    logger: logLevel === 'silent' ? false : { level: logLevel, stream: logTo },
    logController: new LogController({ disableRequestLogging: true }), // see onResponse below
    clientErrorHandler: answerClientError,
    return503OnClosing: false, // what comes then is answered as everything else, by a hook and the store
    frameworkErrors: sendProblem, // of what comes before any route
    routerOptions: { maxParamLength: PARAM_LENGTH_MAX },
    genReqId: ({ headers }) => {
      const given = headers['x-request-id'];
      if (typeof given === 'string' && REQUEST_ID.test(given)) return given;
      requests += 1;
      return `${prefix}-${requests}`;
    },
  });
  app.server.maxConnections = limits.connections;
  app.addContentTypeParser('text/plain', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  const guard = guardFor(options.token);
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    guard(request, reply);
    done();
  });
  if (logLevel === 'debug') {
    app.addHook('onResponse', (request, { statusCode, elapsedTime }, done) => {
      const { method, url } = request;
      request.log.debug({ method, url, statusCode, ms: elapsedTime }, 'answered');
      done();
    });
  }
  return app;
}
