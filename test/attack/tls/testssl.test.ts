import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runProgram, startDaemon } from '../../e2e/daemon.ts';
import { startUpstream } from '../../e2e/upstream.ts';
import { has, peer } from '../../peers.ts';

interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

/** What testssl.sh cannot judge here, or judges of something else than the daemon. */
function isOfTheDaemon({ id }: Finding): boolean {
  // Of the certificate: one of the local CA lives for a week.
  if (id.startsWith('cert_')) return false;
  // It does not get along with the newer OpenSSL of Debian 12; hello.test.ts looks into it.
  return id !== 'secure_renego';
}

/** Takes a minute and a half, so it runs on demand: `npm run attack:tls`. */
it.skipIf(process.env['RIGIL_ATTACK'] === undefined || !has('testssl'))(
  'testssl.sh finds nothing that is worse than low',
  async () => {
    await using upstream = await startUpstream('app');
    await using daemon = await startDaemon(`route site.localhost
  upstream ${upstream.address}
  header add Strict-Transport-Security max-age=31536000
  header add X-Frame-Options DENY
  header add X-Content-Type-Options nosniff
`);
    const report = join(daemon.folder, 'testssl.json');
    await runProgram(
      peer('testssl'),
      [
        // Protocols, cipher categories, forward secrecy, preferences, defaults, headers and all known holes.
        ...['-p', '-s', '-f', '-P', '-S', '-h', '-U'],
        ...['--quiet', '--warnings', 'off', '--color', '0', '--nodns', 'none', '--ip', '127.0.0.1'],
        ...['--add-ca', daemon.root, '--jsonfile', report],
        `https://site.localhost:${daemon.ports.https}`,
      ],
      { timeoutMs: 880_000 },
    );
    const findings = JSON.parse(readFileSync(report, 'utf8')) as readonly Finding[];
    expect(findings.length).toBeGreaterThan(60);
    expect(findings.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['TLS1_3', 'cipher_order', 'heartbleed']),
    );
    const bad = findings
      .filter(isOfTheDaemon)
      .filter(({ severity }) => !['OK', 'INFO', 'LOW'].includes(severity));
    expect(bad).toEqual([]);
  },
  900_000,
);
