/** What `run` shows a person: a line while it runs, and the account at the end. */
import Table from 'cli-table3';
import type { LatencySummary } from '../verify/latencies.ts';
import type { RunProgress, RunReport } from '../verify/run-phases.ts';
import type { Violation } from '../verify/violations.ts';

const VCPUS_SHOWN = 8;

/** A number with a unit of thousands: 31.4 M. */
export function short(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(2)} G`;
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)} M`;
  if (count >= 1e4) return `${(count / 1e3).toFixed(1)} k`;
  return String(Math.round(count));
}

const bytes = (count: number): string => {
  if (count >= 2 ** 30) return `${(count / 2 ** 30).toFixed(1).replace(/\.0$/, '')} GiB`;
  if (count >= 2 ** 20) return `${(count / 2 ** 20).toFixed(1).replace(/\.0$/, '')} MiB`;
  return count >= 2 ** 10 ? `${(count / 2 ** 10).toFixed(1)} KiB` : `${count} bytes`;
};

const grouped = (count: number): string => String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

/** One line on how it goes. */
export function progressLine(progress: RunProgress): string {
  const { phase, perVcpu, publicationsPerSecond, violations, secondsLeft } = progress;
  const each = perVcpu.slice(0, VCPUS_SHOWN).map(short).join(' + ');
  const more = perVcpu.length > VCPUS_SHOWN ? ' + …' : '';
  const churn = phase === 'churn' ? `, ${short(publicationsPerSecond)} layouts/s published` : '';
  const name = phase === 'churn' ? 'churn' : 'quiet';
  return `${name}  ${short(sum(perVcpu))} accesses/s (${each}${more})${churn}, ${grouped(violations)} violations, ${secondsLeft.toFixed(0)} s left`;
}

/** The whole report, for standard output. */
export function reportText(report: RunReport): string {
  const { layout, quiet, churn, commit, gracePeriod, arena, verification } = report;
  const { checked, violations, examples } = verification;
  const name = layout.name === report.machine ? layout.name : `${report.machine} (${layout.name})`;
  const table = new Table({
    head: ['', 'accesses/s', ...perVcpuHead(report.vcpus)],
    colAligns: ['left', 'right', ...perVcpuHead(report.vcpus).map(() => 'right' as const)],
    style: { head: [], border: [], compact: true },
  });
  const row = (label: string, rates: RunReport['quiet']): string[] => [
    label,
    short(rates.accessesPerSecond),
    ...rates.perVcpu.slice(0, VCPUS_SHOWN).map(short),
  ];
  table.push(row('quiet', quiet));
  if (churn.rate !== 'off') table.push(row('while layouts change', churn));
  return [
    `${name}: ${layout.regions} regions, ${layout.addressSpaces} address spaces, ${bytes(layout.ramBytes)} of RAM`,
    `${report.vcpus} vCPUs, ${report.cpu}, Node ${report.node}, seed ${report.seed}${report.interrupted ? '; cut short' : ''}`,
    '',
    table.toString(),
    '',
    ...(churn.rate === 'off' ? [] : churnLines(report, commit, gracePeriod)),
    `arena         ${bytes(arena.liveBytes)} in use, ${bytes(arena.retiredBytes)} waiting for readers, ${bytes(arena.highWaterBytes)} at most`,
    `verification  ${grouped(checked)} accesses checked, ${grouped(violations)} violations`,
    ...examples.map(exampleLine),
    verdict(report),
    '',
  ].join('\n');
}

function perVcpuHead(vcpus: number): string[] {
  return Array.from({ length: Math.min(vcpus, VCPUS_SHOWN) }, (_, vcpu) => `vCPU ${vcpu}`);
}

function churnLines(report: RunReport, commit: LatencySummary, gracePeriod: LatencySummary): string[] {
  const { churn, layout } = report;
  const kinds = new Map<string, number>();
  for (const { kind } of layout.changes) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  const mix = [...kinds].map(([kind, count]) => `${count} ${KIND_WORDS[kind] ?? kind}`).join(', ');
  const waits = churn.backPressure === 0 ? '' : `, ${churn.backPressure} waits for readers`;
  return [
    `layouts       ${grouped(churn.publications)} published, ${grouped(churn.publicationsPerSecond)} a second${waits}`,
    `changes       ${mix === '' ? 'none: nothing in this machine can change' : mix}`,
    `commit        ${latency(commit)}   from the first mutator until it is published`,
    `grace period  ${latency(gracePeriod)}   until every vCPU has let go of the old layout`,
  ];
}

const KIND_WORDS: Readonly<Record<string, string>> = {
  move: 'BARs and others moved',
  switch: 'aliases switched (PAM)',
  unmap: 'unmapped',
  enable: 'switched on (SMRAM, bus masters)',
  disable: 'switched off',
  'rom-mode': 'flash modes',
  plug: 'plugged in',
};

const latency = ({ p50Us, p99Us, maxUs }: LatencySummary): string =>
  `p50 ${p50Us} µs, p99 ${p99Us} µs, max ${maxUs} µs`;

export function exampleLine(violation: Violation): string {
  const { vcpu, step, addressSpace, address, access, expected, got, diagnosis } = violation;
  const who = vcpu === null ? 'control thread' : `vCPU ${vcpu}`;
  const where = addressSpace === '' ? address : `${addressSpace} ${address}, layout ${step}`;
  return `  ${who}: ${access}${where === '' ? '' : ` at ${where}`}: expected ${expected}, got ${got}: ${diagnosis}`;
}

function verdict({ verification, churn }: RunReport): string {
  if (verification.violations > 0) return 'FAILED: the machine gave answers that were not due.';
  const layouts =
    churn.publications === 0 ? '' : `, while ${grouped(churn.publications)} layouts were published under it`;
  return `Every access got the answer that was due${layouts}.`;
}
