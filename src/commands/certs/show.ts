import { Args, type Interfaces } from '@oclif/core';
import { type CertificateDetails, showCertificate } from '../../app/show-certificate.ts';
import { certificateDetailLines } from '../../cli/certificate-details.ts';
import { CertsCommand } from '../../cli/certs-command.ts';

/** `rigil certs show NAME`. */
export default class CertsShow extends CertsCommand {
  static override readonly summary = 'Show one certificate in full.';

  static override readonly description =
    `Shows the chain, serial number, names and key of a certificate, when it is renewed and what its CA advises, the OCSP
answer that is kept for it, the generations that the store has, and what went wrong last. Never shows a key.`;

  static override readonly examples = [
    { description: 'By any name in it', command: '<%= config.bin %> <%= command.id %> www.example.com' },
    {
      description: 'Where are its files?',
      command: '<%= config.bin %> <%= command.id %> example.com --json | jq -r .directory',
    },
  ];

  static override readonly enableJsonFlag = true;

  static override readonly args = {
    name: Args.string({ name: 'NAME', required: true, description: 'The certificate, by any name in it.' }),
  };

  async run(): Promise<CertificateDetails> {
    const parsed = await this.parse(CertsShow);
    const flags: Interfaces.InferredFlags<typeof CertsShow.baseFlags> = parsed.flags;
    const details = await this.looking(flags.config, (options) => showCertificate(options, parsed.args.name));
    const width = process.stdout.columns || 80;
    for (const line of certificateDetailLines(details, this.now, width)) this.print(line);
    return details;
  }
}
