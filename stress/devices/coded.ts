/** Registers that tell their region and offset, and note for each vCPU which of its writes they took. */
import type { DeviceCallbacks, HostedDeviceContext } from '../../src/vcpu-program.ts';
import { land } from '../linearizability/board.ts';
import { codedValue, type Giver, writerOf } from '../linearizability/coded-bytes.ts';

export default function coded(context: HostedDeviceContext): DeviceCallbacks {
  const { region, giver } = context.data as { readonly region: number; readonly giver: Giver };
  const board = new Int32Array(context.state);
  return {
    read: (offset, size) => codedValue(giver, region, offset, size),
    write: (offset, value, size) => {
      const vcpu = writerOf(value);
      land(board, vcpu, { region, offset, size });
      if (giver === 'homed') context.ask(vcpu); // to be moved
    },
  };
}
