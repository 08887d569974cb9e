/**
 * `flatview-layout/1`: a machine's region tree, captured from QEMU with every fact that its text leaves out.
 * Guarantee of what is parsed: all fields are in range and all references hold, so building cannot fail.
 */
import type { AddressSpace } from '../model/address-space.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import { type FlatJson, readFlat } from './flat-json.ts';
import { parseJson } from './json-document.ts';
import { checkLayout, recordsById } from './layout-graph.ts';
import { LiveLayout } from './live-layout.ts';
import { type DocumentSource, RecordReader } from './record-reader.ts';
import type { BindDevice } from './region-from-record.ts';
import {
  ADDRESS_SPACES_MAX,
  type LayoutState,
  REGIONS_MAX,
  readAddressSpace,
  readRegion,
} from './region-record.ts';

export const LAYOUT_FORMAT = 'flatview-layout/1';

export interface Layout extends LayoutState {
  readonly name: string;
  /** What QEMU printed for it; null where the file does not say. */
  readonly flat: readonly FlatJson[] | null;
}

/**
 * @param file for messages only
 * @throws MemoryError INVALID_LAYOUT with file and line:column, or file and field
 */
export function parseLayout(text: string, file: string): Layout {
  return layoutFromJson(parseJson(text, file, 'INVALID_LAYOUT'), file);
}

/** A layout from JSON that was parsed already. */
export function layoutFromJson(json: unknown, file: string): Layout {
  const source: DocumentSource = { file, code: 'INVALID_LAYOUT' };
  const reader = new RecordReader(source, '', json);
  reader.oneOf('format', [LAYOUT_FORMAT]);
  const records = recordsById(source, reader.records('regions', REGIONS_MAX).map(readRegion));
  const addressSpaces = reader.records('addressSpaces', ADDRESS_SPACES_MAX).map(readAddressSpace);
  return {
    ...checkLayout(source, records, addressSpaces),
    name: reader.has('name') ? reader.string('name') : file,
    flat: reader.has('flat') ? readFlat(reader) : null,
  };
}

export interface BuiltLayout {
  readonly regionsById: ReadonlyMap<string, MemoryRegion>;
  /** In the order of the file. */
  readonly addressSpaces: readonly AddressSpace[];
}

/** The regions and address spaces of a layout, made in one transaction. */
export function buildLayout(layout: LayoutState, bindDevice?: BindDevice): BuiltLayout {
  const live = new LiveLayout(bindDevice === undefined ? {} : { bindDevice });
  live.apply(layout);
  return { regionsById: live.regionsById, addressSpaces: live.addressSpaces };
}
