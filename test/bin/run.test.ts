import { describe, expect, it } from 'vitest';
import { RIGIL, runProgram } from '../e2e/daemon.ts';

/** Starts bin/run.js on this Node, made to look like another one. */
function startedBy(versions: { node: string; arch?: string }, ...args: string[]) {
  const disguise = `
    Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${versions.node}' } });
    ${versions.arch === undefined ? '' : `Object.defineProperty(process, 'arch', { value: '${versions.arch}' });`}`;
  const url = `data:text/javascript,${encodeURIComponent(disguise)}`;
  return runProgram(process.execPath, ['--import', url, RIGIL, ...args]);
}

describe('bin/run.js', () => {
  it('goes on with the Node that came along when it was started by an older one', async () => {
    const { code, stdout } = await startedBy({ node: '20.20.2' }, '--version');
    expect(stdout).toMatch(/^rigil\/\S+ \S+ node-v26\./);
    expect(code).toBe(0);
  });

  it('passes the exit code on', async () => {
    const { code, stderr } = await startedBy({ node: '20.20.2' }, 'config', 'check', '--no-such-flag');
    expect(code).toBe(2);
    expect(stderr).toMatch(/no-such-flag/);
  });

  it('says which Node it needs where none came along', async () => {
    const { code, stderr } = await startedBy({ node: '20.20.2', arch: 'sparc' }, '--version');
    expect(code).toBe(2);
    expect(stderr).toMatch(/needs Node 24 or newer and was started by 20\.20\.2/);
    expect(stderr).toMatch(/^hint: /m);
  });

  it('runs on a Node that is new enough', async () => {
    const { code, stdout } = await startedBy({ node: '24.0.0', arch: 'sparc' }, '--version');
    expect(stdout).toMatch(/^rigil\//);
    expect(code).toBe(0);
  });
});
