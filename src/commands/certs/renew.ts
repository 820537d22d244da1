import { Args, Flags, type Interfaces } from '@oclif/core';
import {
  planRenewals,
  type RenewalPlan,
  type RunResult,
  renewCertificates,
} from '../../app/renew-certificates.ts';
import { CertsCommand } from '../../cli/certs-command.ts';
import { planLines, renewalExitCode, renewalLines } from '../../cli/renewal-report.ts';
import { RigilError } from '../../errors.ts';

/** `rigil certs renew [NAME…]`. */
export default class CertsRenew extends CertsCommand {
  static override readonly summary = 'Renew the certificates that are due, and wait for them.';

  static override readonly description =
    `Made for cron and timers: does what the daemon would do, keeps to the pauses after failures, and never orders what
another process has just obtained. A running daemon takes the new certificates over within seconds.

Ends with 0 when all is well, with 3 when some certificates failed and with 1 when all did.`;

  static override readonly examples = [
    {
      description: 'In a crontab: speaks only when something changed or failed',
      command: '17 5,17 * * * <%= config.bin %> <%= command.id %> --quiet',
    },
    { description: 'What would be done?', command: '<%= config.bin %> <%= command.id %> --dry-run' },
    {
      description: 'A new certificate now, due or not',
      command: '<%= config.bin %> <%= command.id %> --force example.com',
    },
    {
      description: 'Restart another server when something was renewed',
      command:
        '<%= config.bin %> <%= command.id %> --detailed-exit-code; [ $? -eq 10 ] && systemctl reload postfix',
    },
  ];

  static override readonly enableJsonFlag = true;
  static override readonly strict = false;

  static override readonly args = {
    name: Args.string({ name: 'NAME', description: 'Certificates, by any name in them. Default: all.' }),
  };

  static override readonly flags = {
    force: Flags.boolean({ summary: 'Renew the named certificates, due or not.' }),
    'dry-run': Flags.boolean({ summary: 'Show what would be done, and do nothing.' }),
    quiet: Flags.boolean({ char: 'q', summary: 'Say nothing unless something changed or failed.' }),
    'detailed-exit-code': Flags.boolean({
      summary: 'End with 10 when something was renewed, 0 when nothing was.',
    }),
  };

  async run(): Promise<RunResult | RenewalPlan> {
    const parsed = await this.parse(CertsRenew);
    const flags: Interfaces.InferredFlags<typeof CertsRenew.flags & typeof CertsRenew.baseFlags> =
      parsed.flags;
    const names = parsed.argv.map(String);
    if (flags.force && names.length === 0) {
      throw new RigilError('usage', '--force needs the names of the certificates to renew', {
        hint: 'renewing all at once runs into the limits of a CA; `rigil certs list` shows the names',
      });
    }
    const what = { names, what: flags.force ? 'force' : 'renew' } as const;
    if (flags['dry-run']) {
      const planned = await this.looking(flags.config, (options) => planRenewals(options, what));
      for (const line of planLines(planned, this.now)) this.print(line);
      return planned.plan;
    }
    const result = await this.withProgress(flags.config, flags, (options) =>
      renewCertificates(options, what),
    );
    for (const line of renewalLines(result, flags.quiet, this.now)) this.print(line);
    process.exitCode = renewalExitCode(result, flags['detailed-exit-code']);
    return result;
  }
}
