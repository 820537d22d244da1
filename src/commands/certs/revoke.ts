import { Args, Flags, type Interfaces } from '@oclif/core';
import {
  REVOCATION_REASONS,
  type Revocation,
  type RevocationReason,
  revokeCertificate,
} from '../../app/revoke-certificate.ts';
import { CertsCommand } from '../../cli/certs-command.ts';
import { renewalLines } from '../../cli/renewal-report.ts';

/** `rigil certs revoke NAME`. */
export default class CertsRevoke extends CertsCommand {
  static override readonly summary = 'Revoke a certificate at its CA and replace it.';

  static override readonly description =
    `Asks the CA that issued the certificate to revoke it, then obtains another one with a new key. With --no-replace
the revoked certificate stays in use until it is renewed.

With --reason keyCompromise the request is signed with the certificate's own key, as CAs ask for.
Ends with 3 when the certificate was revoked, but could not be replaced.`;

  static override readonly examples = [
    {
      description: 'Somebody has seen the key',
      command: '<%= config.bin %> <%= command.id %> example.com --reason keyCompromise',
    },
    {
      description: 'The site is gone',
      command:
        '<%= config.bin %> <%= command.id %> old.example.com --reason cessationOfOperation --no-replace',
    },
  ];

  static override readonly enableJsonFlag = true;

  static override readonly args = {
    name: Args.string({ name: 'NAME', required: true, description: 'The certificate, by any name in it.' }),
  };

  static override readonly flags = {
    reason: Flags.option({
      summary: 'Why, in the words of RFC 5280.',
      options: Object.keys(REVOCATION_REASONS) as RevocationReason[],
      default: 'unspecified' as const,
    })(),
    replace: Flags.boolean({
      summary: 'Obtain another certificate with a new key.',
      default: true,
      allowNo: true,
    }),
  };

  async run(): Promise<Revocation> {
    const parsed = await this.parse(CertsRevoke);
    const flags: Interfaces.InferredFlags<typeof CertsRevoke.flags & typeof CertsRevoke.baseFlags> =
      parsed.flags;
    const { reason, replace } = flags;
    const result = await this.withProgress(flags.config, {}, (options) =>
      revokeCertificate(options, { name: parsed.args.name, reason, replace }),
    );
    const { revoked, replacement } = result;
    this.print(`revoked ${revoked.id} (serial ${revoked.serial}) at ${revoked.issuer}: ${reason}`);
    if (replacement === null) this.note('it stays in use until another certificate takes its place');
    else for (const line of renewalLines(replacement, false, this.now)) this.print(line);
    if (replacement !== null && replacement.failed.length > 0) process.exitCode = 3;
    return result;
  }
}
