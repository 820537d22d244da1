import type { Interfaces } from '@oclif/core';
import { type CertificateList, listCertificates } from '../../app/list-certificates.ts';
import { certificateLines } from '../../cli/certificate-table.ts';
import { CertsCommand } from '../../cli/certs-command.ts';

/** `rigil certs list`. */
export default class CertsList extends CertsCommand {
  static override readonly summary = 'List every certificate that is wanted or stored.';

  static override readonly description =
    `Shows names, issuer, status, the time that is left, when and why it is renewed next, and what went wrong last.
Works offline, with or without a running daemon, and changes nothing.`;

  static override readonly examples = [
    { description: 'How are my certificates?', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'Those that need somebody',
      command:
        '<%= config.bin %> <%= command.id %> --json | jq \'.certificates[] | select(.status != "valid") | .id\'',
    },
  ];

  static override readonly enableJsonFlag = true;

  async run(): Promise<CertificateList> {
    const parsed = await this.parse(CertsList);
    const flags: Interfaces.InferredFlags<typeof CertsList.baseFlags> = parsed.flags;
    const list = await this.looking(flags.config, listCertificates);
    for (const line of certificateLines(list.certificates, this.now)) this.print(line);
    return list;
  }
}
