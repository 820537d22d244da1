import { Flags, type Interfaces } from '@oclif/core';
import { type MigrationReport, migrateConfig } from '../../app/migrate-config.ts';
import { RigilCommand } from '../../cli/base-command.ts';
import { problemLines } from '../../cli/check-report.ts';
import { migrationNotes } from '../../cli/migration-notes.ts';

/** `rigil config migrate`. */
export default class ConfigMigrate extends RigilCommand {
  static override readonly summary = 'Make a configuration out of that of another proxy.';

  static override readonly description =
    `Reads Centauri's environment and its route file, and writes one configuration with the reasons as comments.
The routes stay as they are. Secrets are not copied: the configuration refers to their variables. What has no
counterpart is listed, in the file and on standard error, together with the commands to run next.

Ends with 1 when what was made is invalid, which is so when Centauri would not take its route file either.`;

  static override readonly examples = [
    {
      description: 'Of what docker or systemd give Centauri',
      command:
        '<%= config.bin %> <%= command.id %> --from centauri --env-file centauri.env --config centauri.conf --output rigil.conf',
    },
    {
      description: 'Look at it first',
      command: '<%= config.bin %> <%= command.id %> --from centauri --env-file centauri.env',
    },
  ];

  static override readonly enableJsonFlag = true;

  static override readonly flags = {
    from: Flags.option({ summary: 'Whose configuration it is.', options: ['centauri'], required: true })(),
    'env-file': Flags.string({
      summary: 'The environment of the other proxy, as docker and systemd have it.',
      description: 'Default: the environment of this command.',
      helpValue: 'FILE',
    }),
    config: Flags.string({
      char: 'c',
      summary: 'The route file of the other proxy.',
      description: 'Default: what its environment says (CONFIG), else centauri.conf.',
      helpValue: 'FILE',
    }),
    output: Flags.string({
      char: 'o',
      summary: 'Where the configuration goes. Default: standard output.',
      helpValue: 'FILE',
    }),
    force: Flags.boolean({ summary: 'Overwrite the output.', dependsOn: ['output'] }),
  };

  async run(): Promise<MigrationReport> {
    const parsed = await this.parse(ConfigMigrate);
    const flags: Interfaces.InferredFlags<typeof ConfigMigrate.flags> = parsed.flags;
    const report = await migrateConfig({
      envFile: flags['env-file'] ?? null,
      routes: flags.config ?? null,
      output: flags.output ?? null,
      force: flags.force,
    });
    if (report.output === null) this.print(report.text.trimEnd());
    for (const line of problemLines(report.diagnostics, 'stderr')) this.note(line);
    for (const line of migrationNotes(report)) this.note(line);
    if (!report.valid) process.exitCode = 1;
    return report;
  }
}
