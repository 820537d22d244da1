import { Args, type Interfaces } from '@oclif/core';
import { type AccountList, showAccounts } from '../../app/accounts.ts';
import { accountLines } from '../../cli/account-report.ts';
import { CertsCommand } from '../../cli/certs-command.ts';

/** `rigil account show [ISSUER]`. */
export default class AccountShow extends CertsCommand {
  static override readonly summary = 'Show the accounts at ACME CAs.';

  static override readonly description =
    `Shows the URL of each account, as CAA records (accounturi) and dns-persist-01 need it, with the e-mail address, the
binding and the thumbprint of its key. Asks nobody, and never shows a key.`;

  static override readonly examples = [
    { description: 'All of them', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'For a CAA record',
      command: "<%= config.bin %> <%= command.id %> letsencrypt --json | jq -r '.accounts[].url'",
    },
  ];

  static override readonly enableJsonFlag = true;

  static override readonly args = {
    issuer: Args.string({ name: 'ISSUER', description: 'An issuer section. Default: all that speak ACME.' }),
  };

  async run(): Promise<AccountList> {
    const parsed = await this.parse(AccountShow);
    const flags: Interfaces.InferredFlags<typeof AccountShow.baseFlags> = parsed.flags;
    const list = await this.looking(flags.config, (options) => showAccounts(options, parsed.args.issuer));
    if (list.accounts.length === 0) this.note('the configuration has no ACME issuer');
    for (const account of list.accounts) for (const line of accountLines(account)) this.print(line);
    return list;
  }
}
