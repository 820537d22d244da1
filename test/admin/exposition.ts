export interface ReadFamily {
  readonly type: string;
  readonly samples: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (NaN|[+-]?Inf|[-+]?[0-9.]+(?:e[-+]?[0-9]+)?)$`);
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/;

/**
 * Reads the text format 0.0.4 of Prometheus as strictly as its grammar is.
 *
 * @throws Error naming the first line that breaks it: unknown syntax, a family in two places, a sample before its TYPE
 *   or of another family, the same series twice
 */
export function readExposition(text: string): Map<string, ReadFamily> {
  const families = new Map<string, ReadFamily>();
  const series = new Set<string>();
  let current = '';
  let helped = '';
  if (!text.endsWith('\n')) throw new Error('no line end at the end');
  for (const line of text.slice(0, -1).split('\n')) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`);
    };
    const help = new RegExp(`^# HELP (${NAME}) \\S.*$`).exec(line);
    const type = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`).exec(line);
    if (help !== null) {
      helped = help[1] ?? '';
      if (families.has(helped)) fail('a family in two places');
    } else if (type !== null) {
      current = type[1] ?? '';
      if (current !== helped || families.has(current)) fail('TYPE without its HELP');
      families.set(current, { type: type[2] ?? '', samples: [] });
    } else {
      const sample = SAMPLE.exec(line) ?? fail('neither comment nor sample');
      const [, name = '', set = '', value = ''] = sample;
      const family = families.get(current) ?? fail('a sample before its TYPE');
      const suffixes = family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
      if (!suffixes.some((suffix) => name === current + suffix)) fail('a sample of another family');
      const labels = readLabels(set, fail);
      const key = `${name}${JSON.stringify(Object.entries(labels).sort())}`;
      if (series.has(key)) fail('the same series twice');
      series.add(key);
      family.samples.push({ name, labels, value: Number(value.replace('Inf', 'Infinity')) });
    }
  }
  return families;
}

function readLabels(text: string, fail: (why: string) => never): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let rest = text; rest !== ''; ) {
    const [whole = '', name = '', value = ''] = LABEL.exec(rest) ?? fail('a label set that cannot be read');
    if (name in labels) fail('a label twice');
    labels[name] = value.replace(/\\(.)/g, (_escape, char) => (char === 'n' ? '\n' : char));
    rest = rest.slice(whole.length);
  }
  return labels;
}
