import path from 'node:path';
import type { Started } from './processes.ts';
import { cpuSeconds, file, output } from './processes.ts';
import type { Scenario } from './scenarios.ts';

/** What one round of a scenario came to. */
export interface Round {
  /** Requests for each second of processor time of the proxy. */
  readonly perCpuSecond: number;
  readonly times: string;
  /** Empty when all went well. */
  readonly failed: string;
}

interface Figures {
  readonly requests: number;
  readonly times: string;
  readonly failed: string;
}

/** Loads a proxy from the second core for a while. */
export async function load(proxy: Started, scenario: Scenario, seconds: number): Promise<Round> {
  const before = await cpuSeconds(proxy.pid);
  const { requests, times, failed } = await ASK[scenario.by](proxy.port, scenario, seconds);
  const spent = (await cpuSeconds(proxy.pid)) - before;
  return { perCpuSecond: requests / spent, times, failed };
}

type Ask = (port: number, scenario: Scenario, seconds: number) => Promise<Figures>;

const ASK: Readonly<Record<Scenario['by'], Ask>> = { wrk: askByWrk, h2load: askByH2load, echo: askByEcho };

async function askByWrk(port: number, scenario: Scenario, seconds: number): Promise<Figures> {
  const args = ['-t1', `-c${scenario.connections}`, `-d${seconds}s`, '--latency'];
  for (const header of scenario.headers) args.push('-H', header);
  if (scenario.body !== undefined) {
    const script = `wrk.method = "POST"\nwrk.body = string.rep("x", ${scenario.body})\n`;
    args.push('-s', await file('upload.lua', script));
  }
  const text = await onSecondCore('wrk', [...args, `https://localhost:${port}${scenario.path}`]);
  const bad = /Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1];
  const errors = /Socket errors: (.*)/.exec(text)?.[1];
  const latency = (share: string) => new RegExp(`^\\s+${share}%\\s+(\\S+)`, 'm').exec(text)?.[1] ?? '?';
  const longest = /Latency\s+\S+\s+\S+\s+(\S+)/.exec(text)?.[1] ?? '?';
  return {
    requests: Number(/(\d+) requests in/.exec(text)?.[1] ?? Number.NaN),
    times: `p50 ${latency('50')}, p99 ${latency('99')}, max ${longest}`,
    failed: `${bad === undefined ? '' : `, ${bad} bad`}${errors === undefined ? '' : `, ${errors}`}`,
  };
}

async function askByH2load(port: number, scenario: Scenario, seconds: number): Promise<Figures> {
  const { connections, streams = 1, headers, path: target } = scenario;
  const args = ['-t1', `-c${connections}`, `-m${streams}`, `-D${seconds}`];
  for (const header of headers) args.push('-H', header);
  const text = await onSecondCore('h2load', [...args, `https://localhost:${port}${target}`]);
  const [, , longest = '?', mean = '?'] = /time for request:\s+(\S+)\s+(\S+)\s+(\S+)/.exec(text) ?? [];
  const [, done = '0', failed = '0', broken = '0'] =
    /(\d+) succeeded, (\d+) failed, (\d+) errored/.exec(text) ?? [];
  const bad = Number(failed) + Number(broken);
  return {
    requests: Number(done),
    times: `mean ${mean}, max ${longest}`,
    failed: bad > 0 ? `, ${bad} bad` : '',
  };
}

async function askByEcho(port: number, scenario: Scenario, seconds: number): Promise<Figures> {
  const client = path.join(import.meta.dirname, 'echo-client.ts');
  const url = `wss://localhost:${port}${scenario.path}`;
  const text = await onSecondCore(process.execPath, [
    '--no-warnings',
    client,
    url,
    String(scenario.connections),
    String(seconds),
  ]);
  const { requests, p50Ms, p99Ms, maxMs, failed } = JSON.parse(text) as Record<string, number>;
  const ms = (time = 0) => `${time.toFixed(2)}ms`;
  return {
    requests: requests ?? 0,
    times: `p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}, max ${ms(maxMs)}`,
    failed: failed === 0 ? '' : `, ${failed} failed`,
  };
}

function onSecondCore(program: string, args: readonly string[]): Promise<string> {
  return output('taskset', ['-c', '1', program, ...args]);
}
