/** The monitor's text of flat views, made comparable: QEMU prints them in the order of a hash. */

/** Sections end with an empty line; their order is that of a hash in QEMU. */
export const sections = (text: string): string[] =>
  text
    .split('\n\n')
    .filter((section) => section !== '')
    .sort();

/** Likewise the number of a view and the order of the address spaces that share it. */
export const views = (text: string): string[] =>
  sections(text)
    .map((section) => {
      const lines = section.trimEnd().split('\n').slice(1);
      const isSpace = (line: string): boolean => line.startsWith(' AS "');
      return [...lines.filter(isSpace).sort(), ...lines.filter((line) => !isSpace(line))].join('\n');
    })
    .sort();
