import { Args, Flags, type Interfaces } from '@oclif/core';
import { inspectOcsp, type OcspReport } from '../../app/inspect-ocsp.ts';
import { loadCertificate } from '../../app/load-certificate.ts';
import { CertsCommand } from '../../cli/certs-command.ts';
import { ocspReportLines } from '../../cli/ocsp-report.ts';

/** `rigil ocsp inspect TARGET`. */
export default class OcspInspect extends CertsCommand {
  static override readonly summary = 'Show the OCSP staple of a server and judge it.';

  static override readonly description =
    `TARGET is a server (host, host:port, [v6]:port or an https URL; port 443 by default), a file with
certificates in PEM or DER (- for standard input), or a certificate of the store by its name. What could be a server is
taken for one; --stored takes it for a name.

Ends with 3 when the staple or the answer is bad: revoked, expired, wrongly signed, or missing though the certificate
is must-staple. A certificate that names no responder is normal: many CAs publish revocation lists only.`;

  static override readonly examples = [
    {
      description: 'What does the server staple?',
      command: '<%= config.bin %> <%= command.id %> example.com',
    },
    {
      description: 'What does the responder say right now?',
      command: '<%= config.bin %> <%= command.id %> --query fullchain.pem',
    },
    {
      description: 'One of several names on an address, with a private CA',
      command:
        '<%= config.bin %> <%= command.id %> [2001:db8::1]:8443 --servername www.example.com --ca root.pem',
    },
    {
      description: 'A certificate of the store, as JSON',
      command: '<%= config.bin %> <%= command.id %> --stored example.com --json',
    },
  ];

  static override readonly enableJsonFlag = true;

  static override readonly args = {
    target: Args.string({
      name: 'TARGET',
      required: true,
      description: 'A server, a file, or a name in the store.',
    }),
  };

  static override readonly flags = {
    query: Flags.boolean({ summary: 'Ask the responder that the certificate names, too.' }),
    ca: Flags.string({
      summary: 'Further CA certificates, to trust and to find the issuer among.',
      helpValue: 'FILE',
    }),
    servername: Flags.string({
      summary: 'Name to ask the server for (SNI), instead of the host.',
      helpValue: 'NAME',
    }),
    stored: Flags.boolean({ summary: 'TARGET is the name of a certificate in the store.' }),
    hash: Flags.option({
      summary: 'Hash that names the certificate to the responder.',
      options: ['sha1', 'sha256'] as const,
      default: 'sha1' as const,
    })(),
  };

  async run(): Promise<OcspReport> {
    const parsed = await this.parse(OcspInspect);
    const flags: Interfaces.InferredFlags<typeof OcspInspect.flags & typeof OcspInspect.baseFlags> =
      parsed.flags;
    const { query, stored, hash, ca = null, servername = null } = flags;
    const { report, bad } = await inspectOcsp(
      { target: parsed.args.target, stored, servername, query, hash, ca },
      (name) => this.looking(flags.config, (options) => loadCertificate(options, name)),
    );
    for (const line of ocspReportLines(report, process.stdout.columns || 80)) this.print(line);
    if (bad) process.exitCode = 3;
    return report;
  }
}
