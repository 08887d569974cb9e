/** Routes that start, adjust and stop what a machine is put under: layout changes, and vCPUs that make load. */
import { type App, dear, type ServiceParts } from '../app.ts';
import { CHECKPOINT_EVERY_DEFAULT } from '../machine-load.ts';
import { tooManyVcpus } from '../machine-store.ts';
import { ChurnRequest, ChurnState, LoadRequestBody, LoadState, MachineParams } from '../schemas.ts';

const tags = ['workload'];
const SEED_DEFAULT = 1;

export function workloadRoutes(app: App, parts: ServiceParts): void {
  const { store, limits } = parts;
  const churn = '/v1/machines/:id/churn';
  const params = MachineParams;
  const shown = <T>(response: T, summary: string) => ({
    schema: { tags, summary, params, response: { 200: response } },
  });
  app.get(churn, shown(ChurnState, 'How the layout is changed'), ({ params: { id } }) =>
    copy(store.get(id).churn.state),
  );
  app.put(
    churn,
    {
      ...dear(parts),
      schema: {
        ...{ tags, params, body: ChurnRequest, response: { 200: ChurnState } },
        summary: 'Starts to change the layout again and again, or sets another rate',
      },
    },
    ({ params: { id }, body: { rate, seed = SEED_DEFAULT } }) => {
      const served = store.get(id);
      served.churn.start(rate, seed, served.inventory);
      return copy(served.churn.state);
    },
  );
  app.delete(
    churn,
    shown(ChurnState, 'Stops that; the layout is as it was before'),
    async ({ params: { id } }) => {
      const served = store.get(id);
      await served.churn.stop();
      return copy(served.churn.state);
    },
  );
  const load = '/v1/machines/:id/load';
  app.get(load, shown(LoadState, 'Which load runs'), ({ params: { id } }) => store.get(id).load.state);
  app.put(
    load,
    {
      ...dear(parts),
      schema: {
        ...{ tags, params, body: LoadRequestBody, response: { 200: LoadState } },
        summary: 'Starts vCPUs that access memory as fast as asked, or adjusts them',
      },
    },
    async ({ params: { id }, body }) => {
      const served = store.get(id);
      if (served.vcpuCount - served.load.vcpuCount + body.vcpus > limits.vcpus)
        throw tooManyVcpus(limits.vcpus);
      await served.load.start({
        ...{ rate: 'max', writePercent: 0, checkpointEvery: CHECKPOINT_EVERY_DEFAULT },
        ...body,
      });
      return served.load.state;
    },
  );
  app.delete(load, shown(LoadState, 'Stops them'), async ({ params: { id } }) => {
    const served = store.get(id);
    await served.load.stop();
    return served.load.state;
  });
}

/** Answers have lists that may be changed, as their types say. */
const copy = <T extends { readonly changes: readonly unknown[] }>(state: T) => ({
  ...state,
  changes: [...state.changes] as T['changes'][number][],
});
