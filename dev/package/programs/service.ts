/** A program of someone else that serves a machine: dev/check-package.ts compiles and runs it where the package is installed. */
import { Service, type ServiceLimits, type ServiceOptions } from 'flatview/service';

const options: ServiceOptions & Partial<ServiceLimits> = { machines: 1, logLevel: 'error' };
const service = new Service(options);
try {
  await service.store.create({ machine: 'q35', id: 'machine' });
  const url: string = await service.listen(0);
  const word = `${url}/v1/machines/machine/address-spaces/memory/memory/0x100000`;
  const headers = { 'content-type': 'application/json' };
  await fetch(word, { method: 'PUT', headers, body: JSON.stringify({ value: 42 }) });
  const { value } = (await (await fetch(word)).json()) as { value: number };
  console.log(`read ${value}`);
} finally {
  await service.close();
}
