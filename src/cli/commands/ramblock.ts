/** `flatview ramblock`: the RAM blocks of layouts, in the format of QEMU's info ramblock or as JSON. */
import type { Command } from 'commander';
import { printRamBlocks } from '../../qemu/ram-block-printer.ts';
import { ramBlocksOfRegions } from '../../qemu/ram-blocks.ts';
import { FILES_HELP, type ImportedLayout, importLayouts } from '../imported-layout.ts';
import { printJson, printTexts } from '../output.ts';

export function registerRamblock(program: Command): void {
  program
    .command('ramblock')
    .summary('list the RAM blocks of layouts')
    .description(
      "Lists the RAM blocks that layouts need, biggest first, in the format of QEMU's info ramblock. Files do not say " +
        'where QEMU put them: offsets are ours.',
    )
    .argument('<file...>', FILES_HELP)
    .option('--json', 'print one JSON document')
    .action((files: string[], options: { readonly json?: true }) => ramblock(files, options.json === true));
}

async function ramblock(files: readonly string[], json: boolean): Promise<void> {
  const layouts = await importLayouts(files);
  const blocksOf = ({ regionsById }: ImportedLayout) => ramBlocksOfRegions(regionsById.values());
  if (json) {
    printJson(
      layouts.map((layout) => ({ file: layout.file, guessed: layout.guessed, blocks: blocksOf(layout) })),
    );
    return;
  }
  printTexts(layouts.map((layout) => ({ ...layout, text: printRamBlocks(blocksOf(layout)) })));
}
