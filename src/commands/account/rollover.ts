import { Args, type Interfaces } from '@oclif/core';
import { type AccountRollover, rollOverAccount } from '../../app/accounts.ts';
import { CertsCommand } from '../../cli/certs-command.ts';

/** `rigil account rollover [ISSUER]`. */
export default class AccountRolloverCommand extends CertsCommand {
  static override readonly summary = 'Give an account at an ACME CA a new key.';

  static override readonly description =
    `Makes a new key and asks the CA to put it in the place of the old one (RFC 8555 7.3.5), as after a backup of the store
got into strange hands. The account, its certificates and its limits stay; the keys of certificates are not touched.

A running daemon goes on with the new key by itself. An interrupted change is sorted out with the next use.`;

  static override readonly examples = [
    { description: 'The only ACME issuer', command: '<%= config.bin %> <%= command.id %>' },
    { description: 'One of several', command: '<%= config.bin %> <%= command.id %> zerossl' },
  ];

  static override readonly enableJsonFlag = true;

  static override readonly args = {
    issuer: Args.string({ name: 'ISSUER', description: 'An issuer section. Default: the only ACME one.' }),
  };

  async run(): Promise<AccountRollover> {
    const parsed = await this.parse(AccountRolloverCommand);
    const flags: Interfaces.InferredFlags<typeof AccountRolloverCommand.baseFlags> = parsed.flags;
    const result = await this.withProgress(flags.config, {}, (options) =>
      rollOverAccount(options, parsed.args.issuer),
    );
    const { account, formerThumbprint } = result;
    this.print(
      `the account ${account.url} has a new key: ${account.thumbprint}, formerly ${formerThumbprint}`,
    );
    return result;
  }
}
