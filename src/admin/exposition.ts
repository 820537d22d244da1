/** One family of the Prometheus text format 0.0.4. */
export interface Family {
  /** Without the prefix `rigil_`. */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** One sentence. */
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  /** `_bucket`, `_sum`, `_count` of a histogram; else empty. */
  readonly suffix?: '_bucket' | '_sum' | '_count';
  /** As printed between braces, see {@link labels}; the empty string for none. */
  readonly labels: string;
  readonly value: number;
}

/** The text of the families, in their order. A family without samples is left out. */
export function exposition(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(
      ({ name, type, help, samples }) =>
        `# HELP rigil_${name} ${escapeHelp(help)}\n# TYPE rigil_${name} ${type}\n${samples
          .map(
            (sample) =>
              `rigil_${name}${sample.suffix ?? ''}${braces(sample.labels)} ${numberText(sample.value)}\n`,
          )
          .join('')}`,
    )
    .join('');
}

/** A label set as it is printed between braces. */
export function labels(set: Readonly<Record<string, string>>): string {
  return Object.entries(set)
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(',');
}

/** Samples of a record whose keys are printed label sets. */
export function samplesOf(values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([set, value]) => ({ labels: set, value }));
}

function braces(set: string): string {
  return set === '' ? '' : `{${set}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}
