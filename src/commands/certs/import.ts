import { Args, Flags, type Interfaces } from '@oclif/core';
import { type ImportReport, importCertificates, SOURCE_KINDS } from '../../app/import-certificates.ts';
import { CertsCommand } from '../../cli/certs-command.ts';
import { importExitCode, importLines } from '../../cli/import-report.ts';

/** `rigil certs import SOURCE`. */
export default class CertsImport extends CertsCommand {
  static override readonly summary =
    'Take certificates over from another program, without ordering new ones.';

  static override readonly description =
    `Reads certificates, keys and accounts, checks that they belong together and have not expired, and stores those that
the configuration wants. They are served at once and renewed when they are due. SOURCE is never changed, and a stored
certificate that lasts as long stays.

SOURCE is the folder or file of the other program: Centauri's certs.json (with user.pem beside it), certbot's
/etc/letsencrypt, acme.sh's ~/.acme.sh, Traefik's acme.json, PEM files, or the
URL of the Redis in which Centauri keeps its certificates, 'redis://host:6379/0 prefix=centauri'.

Ends with 3 when something in it cannot be used.`;

  static override readonly examples = [
    {
      description: 'What would be taken from certbot?',
      command: '<%= config.bin %> <%= command.id %> /etc/letsencrypt --dry-run',
    },
    {
      description: 'Move from Centauri',
      command: '<%= config.bin %> <%= command.id %> /var/lib/centauri/certs.json',
    },
    {
      description: 'A certificate that somebody sent',
      command: '<%= config.bin %> <%= command.id %> fullchain.pem --from pem',
    },
  ];

  static override readonly enableJsonFlag = true;

  static override readonly args = {
    source: Args.string({ name: 'SOURCE', required: true, description: 'A file or a folder.' }),
  };

  static override readonly flags = {
    from: Flags.option({ summary: 'Whose it is. Default: guessed.', options: SOURCE_KINDS })(),
    'dry-run': Flags.boolean({ summary: 'Show what would be taken, and store nothing.' }),
  };

  async run(): Promise<ImportReport> {
    const parsed = await this.parse(CertsImport);
    const flags: Interfaces.InferredFlags<typeof CertsImport.flags & typeof CertsImport.baseFlags> =
      parsed.flags;
    const { from = null, 'dry-run': dryRun } = flags;
    const report = await this.withProgress(flags.config, {}, (options) =>
      importCertificates(options, { source: parsed.args.source, from, dryRun }),
    );
    for (const line of importLines(report, dryRun)) this.print(line);
    process.exitCode = importExitCode(report);
    return report;
  }
}
