import type { Interfaces } from '@oclif/core';
import { effectiveConfig } from '../../app/show-config.ts';
import { RigilCommand } from '../../cli/base-command.ts';
import { problemLines } from '../../cli/check-report.ts';
import { RigilError } from '../../errors.ts';

/** `rigil config show`. */
export default class ConfigShow extends RigilCommand {
  static override readonly summary = 'Show the effective configuration: defaults filled in, secrets masked.';

  static override readonly description =
    `Prints the configuration in its own language, with every default written out. Problems of the file go to
standard error; an invalid file shows nothing else.`;

  static override readonly examples = [
    { description: 'What does ./rigil.conf amount to?', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'Where is listened for TLS?',
      command: "<%= config.bin %> <%= command.id %> --json | jq '.global.https'",
    },
  ];

  static override readonly enableJsonFlag = true;

  async run(): Promise<unknown> {
    const parsed = await this.parse(ConfigShow);
    const flags: Interfaces.InferredFlags<typeof ConfigShow.baseFlags> = parsed.flags;
    const { config, text, diagnostics, file } = await effectiveConfig(this.configFile(flags.config));
    for (const line of problemLines(diagnostics, 'stderr')) this.note(line);
    if (config === null) {
      throw new RigilError('config-invalid', `${file} is invalid`, {
        hint: 'rigil config check explains it',
      });
    }
    this.print(text);
    return config;
  }
}
