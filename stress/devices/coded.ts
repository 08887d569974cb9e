/** Registers that tell their region and offset, and note for each vCPU which of its writes they took. */
import type { DeviceCallbacks, HostedDeviceContext } from '../../src/vcpu-program.ts';
import { land } from '../linearizability/board.ts';
import { codedValue, writerOf } from '../linearizability/coded-bytes.ts';
import type { RecordedKind } from '../linearizability/recorded-layout.ts';

export default function coded(context: HostedDeviceContext): DeviceCallbacks {
  const { region, kind } = context.data as { readonly region: number; readonly kind: RecordedKind };
  const board = new Int32Array(context.state);
  return {
    read: (offset, size) => codedValue(kind, region, offset, size),
    write: (offset, value, size) => {
      const vcpu = writerOf(value);
      land(board, vcpu, { region, offset, size });
      if (kind === 'homed') context.ask(vcpu); // to be moved
    },
  };
}
