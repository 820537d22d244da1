import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runProgram } from './e2e/daemon.ts';
import { has, peer } from './peers.ts';

const UNITS = ['rigil.service', 'rigil.socket'] as const;

describe.skipIf(!has('systemd-analyze'))('the units in examples', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rigil-units-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('have nothing that systemd does not know', async () => {
    for (const unit of UNITS) {
      const text = readFileSync(join(import.meta.dirname, '../examples', unit), 'utf8');
      // Program and manual need not be installed on this machine.
      const here = text.replaceAll('/usr/bin/rigil', '/bin/true').replace(/^Documentation=.*\n/m, '');
      writeFileSync(join(folder, unit), here);
    }
    const paths = UNITS.map((unit) => join(folder, unit));
    const { code, stdout, stderr } = await runProgram(peer('systemd-analyze'), ['verify', ...paths]);
    expect(stdout + stderr).toBe('');
    expect(code).toBe(0);
  });
});
