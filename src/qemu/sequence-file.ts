/**
 * `flatview-sequence/1`: layout changes recorded from QEMU, each step as the difference to the one before.
 * Guarantee of what is parsed: every step, taken as a whole layout, is valid. LiveLayout applies the steps.
 */
import { type FlatJson, readFlat } from './flat-json.ts';
import { parseJson } from './json-document.ts';
import { checkLayout, recordsById } from './layout-graph.ts';
import { type DocumentSource, failure, RecordReader } from './record-reader.ts';
import {
  ADDRESS_SPACES_MAX,
  type AddressSpaceRecord,
  type LayoutState,
  REGIONS_MAX,
  type RegionRecord,
  readAddressSpace,
  readRegion,
} from './region-record.ts';

export const SEQUENCE_FORMAT = 'flatview-sequence/1';
const STEPS_MAX = 100_000;

export interface SequenceStep extends LayoutState {
  readonly action: string;
  /** What QEMU printed after the step; null where the file does not say. */
  readonly flat: readonly FlatJson[] | null;
}

export interface Sequence {
  readonly name: string;
  readonly about: string;
  /** At least one; the first sets everything. */
  readonly steps: readonly SequenceStep[];
}

/**
 * @param file for messages only
 * @throws MemoryError INVALID_SEQUENCE with file and line:column, or file and field
 */
export function parseSequence(text: string, file: string): Sequence {
  const source: DocumentSource = { file, code: 'INVALID_SEQUENCE' };
  const reader = new RecordReader(source, '', parseJson(text, file, 'INVALID_SEQUENCE'));
  reader.oneOf('format', [SEQUENCE_FORMAT]);
  const steps: SequenceStep[] = [];
  for (const step of reader.records('steps', STEPS_MAX)) steps.push(readStep(step, steps.at(-1)));
  if (steps.length === 0) reader.fail('steps', 'is empty; the first step sets the layout to start from');
  return {
    name: reader.has('name') ? reader.string('name') : file,
    about: reader.has('about') ? reader.string('about') : '',
    steps,
  };
}

function readStep(reader: RecordReader, before: SequenceStep | undefined): SequenceStep {
  const { source } = reader;
  const set = recordsById(source, reader.records('set', REGIONS_MAX, []).map(readRegion));
  const records = new Map<string, RegionRecord>(before?.records);
  for (const [index, id] of reader.strings('drop', REGIONS_MAX, []).entries()) {
    const path = `${reader.path}.drop[${index}]`;
    if (set.has(id)) throw failure(source, path, `'${id}' is also in 'set'; a region either goes or stays`);
    if (!records.delete(id))
      throw failure(source, path, `there is no region with the id '${id.slice(0, 80)}' to drop`);
  }
  for (const [id, record] of set) records.set(id, record);
  const state = checkLayout(source, records, readAddressSpaces(reader, before));
  return {
    ...state,
    action: reader.has('action') ? reader.string('action') : '',
    flat: reader.has('flat') ? readFlat(reader) : null,
  };
}

/** Without the field, those of the step before remain. */
function readAddressSpaces(
  reader: RecordReader,
  before: SequenceStep | undefined,
): readonly AddressSpaceRecord[] {
  if (before !== undefined && !reader.has('addressSpaces')) return before.addressSpaces;
  return reader.records('addressSpaces', ADDRESS_SPACES_MAX).map(readAddressSpace);
}
