/** Tells every thread of the translators of callback IOMMUs, and lets the control thread's copy answer for itself. */
import type { CallbackIommu } from '../model/callback-iommu.ts';
import type { AttachmentHub } from './attachment-hub.ts';
import type { ControlMemory } from './control-memory.ts';

/** What a Publisher calls before a view names a translator. */
export const translatorPoster =
  (hub: AttachmentHub, control: ControlMemory) =>
  (translator: number, iommu: CallbackIommu, targets: readonly number[]): void => {
    const attached = { regionName: iommu.region!.name, module: iommu.module, targets };
    hub.post({ kind: 'translator', translator, attached });
    iommu.translateOnControl = (iova, index) => control.translate(translator, iova, index);
  };
