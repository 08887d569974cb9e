/** Where regions are named: as properties of their owners. */

/** The owner of regions that have none, as in QEMU. */
const UNATTACHED = '/machine/unattached';
/** How many regions of each name got a path from an owner that is not an Owner. */
const counts = new Map<string, number>();

/** A region's name as part of a path, in which these characters have a meaning. */
export const escapedName = (name: string): string =>
  name.replace(/[/[\]\\]/g, (character) => `\\x${character.charCodeAt(0).toString(16)}`);

/** The path of a region whose owner, a text or null, counts nothing; another one at each call. */
export function unattachedPath(owner: string | null, name: string): string {
  const path = `${owner ?? UNATTACHED}/${escapedName(name)}`;
  const index = counts.get(path) ?? 0;
  counts.set(path, index + 1);
  return `${path}[${index}]`;
}
