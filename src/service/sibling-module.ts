/** Modules that other threads load for themselves: `.ts` while the project runs from its sources, else `.js`. */

/** The URL of the module `name` in the folder of `importer`, an import.meta.url. */
export const siblingModule = (importer: string, name: string): URL =>
  new URL(`./${name}${importer.slice(importer.lastIndexOf('.'))}`, importer);
