/** What plain.mjs prints, from sources as from the package. */
const expected = { word: 42, control: 7, threadsDiffer: true, refusal: 'VCPU_PROGRAM_INVALID' };
export const PLAIN_RUNS = [
  { vcpuHost: 'piscina', ...expected },
  { vcpuHost: 'threads', ...expected },
];
