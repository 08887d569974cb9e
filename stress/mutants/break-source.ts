/** Node's hooks for in-source.ts: one module has another text than its file. Runs in the thread of the hooks. */
import type { InitializeHook, LoadHook } from 'node:module';
import ts from 'typescript';

interface BrokenModule {
  readonly url: string;
  /** TypeScript. */
  readonly text: string;
}

let broken: BrokenModule;

export const initialize: InitializeHook<BrokenModule> = (data) => {
  broken = data;
};

export const load: LoadHook = (url, context, nextLoad) => {
  if (url.split('?')[0] !== broken.url) return nextLoad(url, context);
  const { ESNext: module } = ts.ModuleKind;
  const { ES2022: target } = ts.ScriptTarget;
  const compilerOptions = { module, target, verbatimModuleSyntax: true };
  return {
    format: 'module',
    source: ts.transpileModule(broken.text, { compilerOptions }).outputText,
    shortCircuit: true,
  };
};
