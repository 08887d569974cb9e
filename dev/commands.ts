/** Other people's tools, run to their end; and what this tries, held against what must be. */
import { spawnSync } from 'node:child_process';

const STEP_SECONDS_MAX = 300;
/** What npm says where it cannot speak to its registry at all; a refusal by the registry is another matter. */
const UNREACHABLE =
  /\bcode (?:E?AI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT)\b/;

/** npm's registry cannot be reached, so what needs it was not tried. */
export class RegistryUnreachable extends Error {}

/** npm says what matters, and gives up on a registry that is not there within a minute or two. */
export const environment: NodeJS.ProcessEnv = {
  ...process.env,
  NO_COLOR: '1',
  npm_config_loglevel: 'error',
  npm_config_fetch_retry_mintimeout: '1000',
  npm_config_fetch_retry_maxtimeout: '2000',
  npm_config_fetch_timeout: '60000',
};

/** @returns what it printed @throws RegistryUnreachable; Error with all that it printed if it failed */
export function run(cwd: string, command: string, ...args: readonly string[]): string {
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    timeout: STEP_SECONDS_MAX * 1000,
    maxBuffer: 2 ** 28,
    env: environment,
  });
  if (status === 0) return stdout;
  const line = [command, ...args].join(' ');
  if (command === 'npm' && UNREACHABLE.test(stderr)) throw new RegistryUnreachable(`${line}\n${stderr}`);
  throw new Error(`${line}: ended with ${status ?? signal ?? error?.message}\n${stdout}${stderr}`);
}

export function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}
