/** The route that changes a layout: a list of mutations, all of them or none. */
import { MemoryError } from '../../base/errors.ts';
import { microsFrom } from '../../verify/latencies.ts';
import { type App, dear, type ServiceParts } from '../app.ts';
import { gracePeriod, windowsOf } from '../commits.ts';
import { MachineParams, TransactionAnswer, TransactionRequest } from '../schemas.ts';

const WAIT_MS_DEFAULT = 1000;

export function transactionRoutes(app: App, parts: ServiceParts): void {
  const { store, limits, metrics } = parts;
  app.post(
    '/v1/machines/:id/transactions',
    {
      ...dear(parts),
      schema: {
        tags: ['transactions'],
        summary: 'Changes the layout by a list of mutations in one transaction: all of them, or none',
        params: MachineParams,
        body: TransactionRequest(limits.mutations),
        response: { 200: TransactionAnswer },
      },
    },
    async ({ params, body }) => {
      const served = store.get(params.id);
      let commit: ReturnType<typeof served.transact>;
      try {
        commit = served.transact(body.mutations);
      } catch (error) {
        if (error instanceof MemoryError && error.code === 'BACK_PRESSURE') metrics.backPressure.inc();
        throw error;
      }
      const waitMs = body.waitMs ?? WAIT_MS_DEFAULT;
      const graceMs = waitMs === 0 ? null : await gracePeriod(served.machine, waitMs);
      return {
        commit: commit.number,
        generation: commit.generation,
        mutations: body.mutations.length,
        commitUs: microsFrom(commit.commitMs),
        gracePeriodUs: graceMs === null ? null : microsFrom(graceMs),
        changed: windowsOf(commit, served.inventory.idOfSpace),
      };
    },
  );
}
