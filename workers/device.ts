/** Thread of a device host. */
import { workerData } from 'node:worker_threads';
import { type DeviceHostTask, runDeviceHost } from '../src/service/device-host-thread.ts';

runDeviceHost((workerData as { task: DeviceHostTask }).task);
