/** What the commands of stress/ say: results to standard output, everything else to standard error. */
import Table from 'cli-table3';
import type { Failure, VcpuEvidence } from './failure.ts';
import type { Verdict } from './scenario.ts';
import type { Step } from './step-log.ts';

const STEPS_PRINTED = 24;
const STEP_PRINTED_MAX = 150;
const NOTES_PRINTED = 6;
const VIEW_LINES_PRINTED = 60;

export const progress = (line: string): void => void process.stderr.write(`${line}\n`);
export const print = (document: unknown): void =>
  void process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);

export function verdictLine({ name, passed, detail, seconds, ...figures }: Verdict): string {
  const { operations, publications, faults, violations } = figures;
  return (
    `${passed ? 'held    ' : 'VIOLATED'}  ${name}  ${operations} checked, ${publications} publications, ` +
    `${faults === 0 ? '' : `${faults} faults, `}${violations} violations in ${seconds} s\n` +
    `          ${detail.replaceAll('\n', '\n          ')}`
  );
}

/** Rows under a head; figures to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const colAligns = head.map((_, column) => (typeof rows[0]?.[column] === 'number' ? 'right' : 'left'));
  const drawn = new Table({ head: [...head], colAligns, style: { head: [], border: [], compact: true } });
  for (const row of rows) drawn.push([...row]);
  return `${drawn.toString()}\n`;
}

/** What there was to see of a failure, and how to see it again. */
export function failureText(failure: Failure, file: string): string {
  const { scenario, seed, vcpuCount, seconds, mutant, stepCount, steps, vcpus, views } = failure;
  const how = `seed ${seed}, scenario ${scenario}, ${vcpuCount} vCPUs, ${seconds} s`;
  const printed = steps.slice(-STEPS_PRINTED);
  const cut = views.length - VIEW_LINES_PRINTED;
  return [
    `FAILED: ${how}${mutant === null ? '' : `, mutant ${mutant}`}`,
    `Kept in ${file}; again: npm run -s stress -- --replay ${file}`,
    `The last ${printed.length} of ${stepCount} steps of the control side:`,
    ...printed.map(stepLine),
    'The vCPUs when the first violation was noticed, with what they noted last (step:value@checked):',
    ...vcpus.map(vcpuLine),
    'The views that readers found then:',
    ...views.slice(0, VIEW_LINES_PRINTED).map((line) => `  ${line}`),
    ...(cut > 0 ? [`  … and ${cut} lines in ${file}`] : []),
  ].join('\n');
}

function stepLine({ ms, text, layout }: Step): string {
  const line = `  ${ms.toFixed(3).padStart(10)} ms  ${layout === null ? '' : `layout ${layout.number}: `}${text}`;
  return line.length > STEP_PRINTED_MAX ? `${line.slice(0, STEP_PRINTED_MAX)}…` : line;
}

function vcpuLine({ number, id, phase, announced, generation, checked, ...rest }: VcpuEvidence): string {
  const { violations, notes } = rest;
  const last = notes.slice(-NOTES_PRINTED).map((note) => `${note.step}:${note.value}@${note.checked}`);
  return (
    `  vCPU ${number} in slot ${id}, ${phase}: announced generation ${announced} of ${generation}, ` +
    `${checked} checked, ${violations} violations; ${last.join(' ') || 'noted nothing'}`
  );
}
