import { Flags, type Interfaces } from '@oclif/core';
import { type CheckReport, checkConfig } from '../../app/check-config.ts';
import { RigilCommand } from '../../cli/base-command.ts';
import { CHECK_FORMATS, checkReportLines, checkSummary } from '../../cli/check-report.ts';
import { RigilError } from '../../errors.ts';

/** `rigil config check`. */
export default class ConfigCheck extends RigilCommand {
  static override readonly summary = 'Check a configuration file and report every problem in it.';

  static override readonly description =
    `Works offline, needs no secrets and changes nothing: a variable that is not set is only a warning here.
Problems go to standard output with file, line and column, a summary goes to standard error.

Ends with 1 when the file is invalid, with --strict also when there are warnings.`;

  static override readonly examples = [
    { description: 'Check ./rigil.conf', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'Annotate a pull request in GitHub Actions, and let warnings fail',
      command: '<%= config.bin %> <%= command.id %> -c deploy/rigil.conf --format github --strict',
    },
    {
      description: 'Check what a template makes',
      command: 'envsubst < rigil.conf.in | <%= config.bin %> <%= command.id %> -c -',
    },
  ];

  static override readonly enableJsonFlag = true;

  static override readonly flags = {
    format: Flags.option({
      summary: 'How problems are written.',
      description: 'sarif is for code scanning, github for annotations. --json is --format json.',
      options: CHECK_FORMATS,
      default: 'text' as const,
    })(),
    strict: Flags.boolean({ summary: 'Warnings fail, too.' }),
  };

  async run(): Promise<CheckReport> {
    const parsed = await this.parse(ConfigCheck);
    const flags: Interfaces.InferredFlags<typeof ConfigCheck.flags & typeof ConfigCheck.baseFlags> =
      parsed.flags;
    if (this.jsonEnabled() && (flags.format === 'sarif' || flags.format === 'github')) {
      throw new RigilError('usage', `--json and --format ${flags.format} exclude each other`);
    }
    const report = await checkConfig(this.configFile(flags.config));
    for (const line of checkReportLines(report, flags.format)) this.print(line);
    this.note(checkSummary(report));
    if (!report.valid || (flags.strict && report.diagnostics.length > 0)) process.exitCode = 1;
    return report;
  }

  /** `--format json` is the same as `--json`, errors included. */
  override jsonEnabled(): boolean {
    const format = this.argv.indexOf('--format');
    const asked = format >= 0 && this.argv[format + 1] === 'json';
    return asked || this.argv.includes('--format=json') || super.jsonEnabled();
  }
}
