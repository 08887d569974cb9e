/** A function fits a screen; a file holds one concept; a file of types alone has nothing to run. */
import { basename } from 'node:path';
import ts from 'typescript';
import type { Fault, Source } from './project.ts';

export const FUNCTION_LINES_MAX = 70;
export const FILE_LINES_MAX = 320;

export function longFunctionFaults({ path, text }: Source): readonly Fault[] {
  const file = ts.createSourceFile(basename(path), text, ts.ScriptTarget.Latest, true);
  const faults: Fault[] = [];
  const visit = (node: ts.Node): void => {
    if (isFunctionWithBody(node) && !groupsTests(node)) {
      const first = file.getLineAndCharacterOfPosition(node.getStart(file)).line;
      const count = file.getLineAndCharacterOfPosition(node.end).line - first + 1;
      if (count > FUNCTION_LINES_MAX) {
        faults.push(`${path}:${first + 1}: a function of ${count} lines, at most ${FUNCTION_LINES_MAX}`);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return faults;
}

/** Lines as an editor counts them. */
export function longFileFaults({ path, text }: Source): readonly Fault[] {
  const count = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  return count > FILE_LINES_MAX ? [`${path}: ${count} lines, at most ${FILE_LINES_MAX}`] : [];
}

/** True if nothing of the file is left at run time, so that no test can cover it. */
export const isErased = ({ text }: Source): boolean => {
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      removeComments: true,
    },
  });
  return outputText.trim() === 'export {};';
};

const isFunctionWithBody = (node: ts.Node): boolean =>
  ts.isFunctionLike(node) && 'body' in node && node.body !== undefined;

/** The callback of describe() is a heading over tests, not a function to be read at once. */
const groupsTests = (node: ts.Node): boolean =>
  ts.isCallExpression(node.parent) && /^describe\b/.test(node.parent.expression.getText());
