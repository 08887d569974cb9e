/** The entry of `npm run bench`. */
import { runBench } from './command.ts';

await runBench(process.argv.slice(2));
