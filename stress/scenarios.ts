/** All scenarios, in the order in which they run. */
import type { Scenario } from './scenario.ts';
import { churnStorm } from './scenarios/churn-storm.ts';
import { coalescedOrder } from './scenarios/coalesced-order.ts';
import { crowded } from './scenarios/crowded.ts';
import { deviceLock } from './scenarios/device-lock.ts';
import { deviceRemoval } from './scenarios/device-removal.ts';
import { dirtyLog } from './scenarios/dirty-log.ts';
import { doorbellCount } from './scenarios/doorbell-count.ts';
import { failingCommits } from './scenarios/failing-commits.ts';
import { generationWrap } from './scenarios/generation-wrap.ts';
import { graceWalk } from './scenarios/grace-walk.ts';
import { homedRemap } from './scenarios/homed-remap.ts';
import { hostedDeath } from './scenarios/hosted-death.ts';
import { iommuUnmap } from './scenarios/iommu-unmap.ts';
import { killedReaders } from './scenarios/killed-readers.ts';
import { linearizability } from './scenarios/linearizability.ts';
import { litmus } from './scenarios/litmus.ts';
import { lostWakeup } from './scenarios/lost-wakeup.ts';
import { monotoneVersions } from './scenarios/monotone-versions.ts';
import { pausedControl } from './scenarios/paused-control.ts';
import { ramHotAdd } from './scenarios/ram-hot-add.ts';
import { reentrantHandlers } from './scenarios/reentrant-handlers.ts';
import { renderOracle } from './scenarios/render-oracle.ts';
import { servedAccesses } from './scenarios/served-accesses.ts';
import { silentReader } from './scenarios/silent-reader.ts';
import { sleepingOffline } from './scenarios/sleeping-offline.ts';
import { twoPublications } from './scenarios/two-publications.ts';
import { useAfterReclaim } from './scenarios/use-after-reclaim.ts';
import { vcpuChurn } from './scenarios/vcpu-churn.ts';

export const scenarios: readonly Scenario[] = [
  useAfterReclaim,
  monotoneVersions,
  linearizability,
  twoPublications,
  generationWrap,
  churnStorm,
  sleepingOffline,
  silentReader,
  killedReaders,
  vcpuChurn,
  homedRemap,
  hostedDeath,
  ramHotAdd,
  iommuUnmap,
  deviceLock,
  deviceRemoval,
  reentrantHandlers,
  lostWakeup,
  dirtyLog,
  doorbellCount,
  coalescedOrder,
  servedAccesses,
  renderOracle,
  failingCommits,
  pausedControl,
  crowded,
  graceWalk,
  litmus,
];
