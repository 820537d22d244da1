import { Args, Flags, type Interfaces } from '@oclif/core';
import { type AccountDeactivation, deactivateAccount } from '../../app/accounts.ts';
import { CertsCommand } from '../../cli/certs-command.ts';
import { RigilError } from '../../errors.ts';

/** `rigil account deactivate [ISSUER] --yes`. */
export default class AccountDeactivate extends CertsCommand {
  static override readonly summary = 'End an account at an ACME CA for good.';

  static override readonly description =
    `Asks the CA to deactivate the account (RFC 8555 7.3.6) and forgets it. Nothing can be ordered or revoked with it any
more, and it cannot be had back; certificates stay valid. The next order makes another account, for which a CA that binds
accounts wants another binding.`;

  static override readonly examples = [
    {
      description: 'The CA is not used any more',
      command: '<%= config.bin %> <%= command.id %> zerossl --yes',
    },
  ];

  static override readonly enableJsonFlag = true;

  static override readonly args = {
    issuer: Args.string({ name: 'ISSUER', description: 'An issuer section. Default: the only ACME one.' }),
  };

  static override readonly flags = {
    yes: Flags.boolean({ summary: 'Do it: there is no way back.' }),
  };

  async run(): Promise<AccountDeactivation> {
    const parsed = await this.parse(AccountDeactivate);
    const flags: Interfaces.InferredFlags<
      typeof AccountDeactivate.flags & typeof AccountDeactivate.baseFlags
    > = parsed.flags;
    if (!flags.yes) {
      throw new RigilError('usage', 'a deactivated account cannot be had back', {
        hint: 'add --yes if that is what you want; `rigil account rollover` only changes its key',
      });
    }
    const result = await this.withProgress(flags.config, {}, (options) =>
      deactivateAccount(options, parsed.args.issuer),
    );
    const { url, issuer } = result.deactivated;
    this.print(`deactivated the account ${url}; the next order at ${issuer} makes another one`);
    return result;
  }
}
