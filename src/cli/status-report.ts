import chalk from 'chalk';
import type { DaemonReport, Status } from '../app/ask-daemon.ts';
import { certificateLines } from './certificate-table.ts';
import { duration, fromNow } from './duration.ts';
import { fields } from './fields.ts';
import { table } from './table.ts';

/** What a daemon said about itself, for people. */
export function statusLines({ address, status, troubles }: DaemonReport): string[] {
  const now = Date.parse(status.at);
  const health = troubles.length === 0 ? chalk.green('healthy') : chalk.red('unhealthy');
  return [
    `${chalk.bold('rigil')} ${status.version} at ${address}: ${health}, up ${duration(now - Date.parse(status.startedAt))}`,
    ...troubles.map((trouble) => `  ${chalk.red('✘')} ${trouble}`),
    ...configLines(status, now),
    '',
    ...certificateLines(status.certificates, now),
    '',
    ...routeLines(status, now),
    '',
    ...workerLines(status, now),
    ...workLines(status, now),
  ];
}

function configLines({ config, store, waited }: Status, now: number): string[] {
  const { file, loadedAt, lastError } = config;
  return [
    ...(store.lastError === null
      ? []
      : [
          `  ${chalk.red('✘')} for ${duration(now - Date.parse(store.lastError.since))} the store could not be written, so nothing can be renewed: ${store.lastError.message}`,
        ]),
    ...fields([
      ['configuration', `${file}, loaded ${fromNow(Date.parse(loadedAt), now)}`],
      ...sourceField(config.source),
      ...storeFields(store),
      ['waited', `${waited.handshakes} handshakes and ${waited.requests} requests for certificate work`],
    ]),
    ...(lastError === null
      ? []
      : [
          `  ${chalk.red('✘')} the reload ${fromNow(Date.parse(lastError.at), now)} was rejected, the former configuration runs on:`,
          ...lastError.problems.map((problem) => `    ${problem}`),
        ]),
  ];
}

function sourceField(source: Status['config']['source']): [string, string][] {
  if (source === null) return [];
  const { url, connected, hasRoutes, lastError } = source;
  const routes = hasRoutes ? 'its routes are in force' : 'it has sent no routes yet';
  const trouble = lastError === null ? '' : `: ${lastError.message}`;
  return [['routes from', `${url}, ${routes}, ${connected ? 'connected' : `not connected${trouble}`}`]];
}

function storeFields(store: Status['store']): [string, string][] {
  if (store.kind === 'file') return [['store', store.place]];
  const { place, up, warnings } = store;
  return [
    ['store', `${place}, which ${up ? 'answers' : chalk.red('does not answer')}`],
    ...warnings.map((warning): [string, string] => ['', chalk.yellow(warning)]),
  ];
}

function routeLines({ routes }: Status, now: number): string[] {
  const rows = routes.map(({ names, upstreams, health, failing, certificate, fallback }) => [
    `${names.join(' ')}${fallback ? chalk.dim(' (fallback)') : ''}`,
    upstreams.map((upstream) => `${upstream}${stateOf(upstream, health, failing)}`).join(' '),
    certificate,
  ]);
  const down = routes.flatMap(({ names: [name], health }) =>
    (health ?? [])
      .filter(({ state }) => state === 'down')
      .map(({ upstream, since, problem }) => {
        const cause = problem === null ? '' : `: ${problem}`;
        return `  ${chalk.red('✘')} ${upstream} of ${name} is down for ${duration(now - Date.parse(since))}${cause}`;
      }),
  );
  return [
    ...table([['ROUTE', 'UPSTREAM', 'CERTIFICATE'].map((title) => chalk.bold(title)), ...rows]),
    ...down,
  ];
}

/** What a health check says, and what requests have met with. */
function stateOf(
  upstream: string,
  health: Status['routes'][number]['health'],
  failing: readonly string[],
): string {
  const state = health?.find((each) => each.upstream === upstream)?.state;
  const checked = state === undefined ? '' : ` ${STATES[state]}`;
  return failing.includes(upstream) && state !== 'down' ? `${checked} ${chalk.yellow('failing')}` : checked;
}

const STATES = { up: chalk.green('up'), down: chalk.red('down'), unknown: chalk.dim('unknown') } as const;

function workerLines({ workers }: Status, now: number): string[] {
  const head = ['WORKER', 'PID', 'UP', 'REQUESTS', 'CONNECTIONS', 'LOOP DELAY P99'].map((title) =>
    chalk.bold(title),
  );
  const rows = workers.map(({ id, pid, startedAt, requests, connections, eventLoopDelayP99Ms }) => [
    String(id),
    String(pid),
    duration(now - Date.parse(startedAt)),
    String(requests),
    String(connections),
    `${eventLoopDelayP99Ms.toFixed(1)} ms`,
  ]);
  return table([head, ...rows]);
}

function workLines({ work }: Status, now: number): string[] {
  if (work.length === 0) return [];
  const rows = work.map(({ id, action, startedAt }) => [
    `  ${action}`,
    id,
    `for ${duration(now - Date.parse(startedAt))}`,
  ]);
  return ['', chalk.bold('In flight'), ...table(rows)];
}
