/** What TypeScript makes of a file of ours; kept among the temporary files, under a name that the text decides. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { threadId } from 'node:worker_threads';

const require = createRequire(import.meta.url);
const src = fileURLToPath(new URL('../../../src/', import.meta.url));
const faces = new Map([
  ['flatview', 'index.ts'],
  ['flatview/vcpu', 'vcpu-program.ts'],
  ['flatview/service', 'http-service.ts'],
]);
const kept = join(tmpdir(), `flatview-threads-${process.getuid?.() ?? 0}`);

/** The file that the package's own name stands for, or null. */
export function pathOfFace(specifier) {
  const file = faces.get(specifier);
  return file === undefined ? null : src + file;
}

/** @param module `ESNext` to import it, `CommonJS` to require it */
export function javaScriptOf(file, module) {
  const text = readFileSync(file, 'utf8');
  const place = join(kept, createHash('sha1').update(module).update(text).digest('hex'));
  try {
    return readFileSync(place, 'utf8');
  } catch {
    const made = transpiled(text, module);
    mkdirSync(kept, { recursive: true, mode: 0o700 });
    const draft = `${place}.${process.pid}.${threadId}`;
    writeFileSync(draft, made);
    renameSync(draft, place); // whole, whoever else makes it
    return made;
  }
}

function transpiled(text, module) {
  const { ModuleKind, ScriptTarget, transpileModule } = require('typescript');
  const compilerOptions = {
    module: ModuleKind[module],
    target: ScriptTarget.ES2023,
    verbatimModuleSyntax: false,
  };
  const { outputText } = transpileModule(text, { compilerOptions });
  if (module !== 'CommonJS') return outputText;
  return outputText.replaceAll('import.meta.url', "require('node:url').pathToFileURL(__filename).href");
}
