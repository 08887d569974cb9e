/** What a machine is made from: a bundled layout by name, a layout of the client's, or the text of `info mtree`. */
import { readFileSync } from 'node:fs';
import { MemoryError } from '../base/errors.ts';
import { machineUrl } from '../qemu/catalogue.ts';
import { layoutFromJson, parseLayout } from '../qemu/layout-file.ts';
import { importMtree } from '../qemu/mtree-parser.ts';
import type { LayoutState } from '../qemu/region-record.ts';

export interface MachineSource {
  /** Of a bundled layout. */
  readonly machine?: string;
  /** A document of flatview-layout/1. */
  readonly layout?: unknown;
  /** Text of `info mtree`, best with -D. */
  readonly mtree?: string;
  /** Text of `info mtree -f` of the same moment. */
  readonly flat?: string;
}

export interface ImportedSource {
  readonly name: string;
  readonly layout: LayoutState;
  /** What the text of `info mtree` left out. */
  readonly guessed: readonly string[];
}

/** @throws MemoryError INVALID_ARGUMENT for an unknown name or several sources; what the importer throws */
export function importSource({ machine, layout, mtree, flat }: MachineSource): ImportedSource {
  const given = [machine, layout, mtree].filter((source) => source !== undefined).length;
  if (given !== 1 || (flat !== undefined && mtree === undefined)) {
    throw new MemoryError(
      'INVALID_ARGUMENT',
      "give one of 'machine', 'layout' and 'mtree'; 'flat' belongs to 'mtree'",
    );
  }
  if (machine !== undefined) {
    const parsed = parseLayout(readFileSync(machineUrl(machine), 'utf8'), machine);
    return { name: machine, layout: parsed, guessed: [] };
  }
  if (mtree !== undefined) {
    const text = flat === undefined ? undefined : { text: flat, file: 'flat' };
    return { name: 'mtree', ...importMtree({ text: mtree, file: 'mtree' }, text) };
  }
  const parsed = layoutFromJson(layout, 'layout');
  return { name: parsed.name, layout: parsed, guessed: [] };
}
