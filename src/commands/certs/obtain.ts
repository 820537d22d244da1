import { Args, Flags, type Interfaces } from '@oclif/core';
import { type RunResult, renewCertificates } from '../../app/renew-certificates.ts';
import { CertsCommand } from '../../cli/certs-command.ts';
import { renewalExitCode, renewalLines } from '../../cli/renewal-report.ts';

/** `rigil certs obtain [NAME…]`. */
export default class CertsObtain extends CertsCommand {
  static override readonly summary = 'Obtain the certificates that are missing, and wait for them.';

  static override readonly description =
    `Obtains all that the configuration wants and the store lacks, or those named. Nothing is renewed.

Beside a running daemon the daemon answers the CA and takes the new certificates over within seconds. Without one the
command listens on the ports of the configuration itself as long as the CA looks.

Ends with 3 when some certificates failed and with 1 when all did.`;

  static override readonly examples = [
    {
      description: 'Have everything ready before the daemon starts',
      command: '<%= config.bin %> <%= command.id %>',
    },
    { description: 'Try one again at once', command: '<%= config.bin %> <%= command.id %> example.com' },
  ];

  static override readonly enableJsonFlag = true;
  static override readonly strict = false;

  static override readonly args = {
    name: Args.string({ name: 'NAME', description: 'Certificates, by any name in them. Default: all.' }),
  };

  static override readonly flags = {
    quiet: Flags.boolean({ char: 'q', summary: 'Say nothing unless something changed or failed.' }),
  };

  async run(): Promise<RunResult> {
    const parsed = await this.parse(CertsObtain);
    const flags: Interfaces.InferredFlags<typeof CertsObtain.flags & typeof CertsObtain.baseFlags> =
      parsed.flags;
    const names = parsed.argv.map(String);
    const result = await this.withProgress(flags.config, flags, (options) =>
      renewCertificates(options, { names, what: 'obtain' }),
    );
    for (const line of renewalLines(result, flags.quiet, this.now)) this.print(line);
    process.exitCode = renewalExitCode(result, false);
    return result;
  }
}
