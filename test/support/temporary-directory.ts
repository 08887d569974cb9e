/** A directory of a test file's own, gone with it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'flatview-test-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
