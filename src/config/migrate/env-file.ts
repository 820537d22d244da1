/** What an environment file says, and the lines of it that say nothing. */
export interface EnvFile {
  readonly variables: Readonly<Record<string, string>>;
  /** Numbers, from 1, of lines that are neither empty, a comment nor NAME=value. */
  readonly unread: readonly number[];
}

/**
 * Reads an environment file as `docker --env-file`, Compose and systemd's `EnvironmentFile=` have them: `NAME=value`,
 * perhaps after `export` and with quotes around the value; `#` and `;` begin comment lines; a backslash at the end
 * goes on in the next line. The last of several lines for one variable counts.
 */
export function parseEnvFile(text: string): EnvFile {
  const variables: Record<string, string> = {};
  const unread: number[] = [];
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  for (let index = 0; index < lines.length; index += 1) {
    const number = index + 1;
    let line = (lines[index] ?? '').trim();
    if (line === '' || /^[#;]/.test(line)) continue;
    while (line.endsWith('\\') && index + 1 < lines.length) {
      index += 1;
      line = `${line.slice(0, -1)}${(lines[index] ?? '').trim()}`;
    }
    const [, name, value] = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) unread.push(number);
    else variables[name] = unquoted(value);
  }
  return { variables, unread };
}

function unquoted(value: string): string {
  const [, single] = /^'([^']*)'$/.exec(value) ?? [];
  if (single !== undefined) return single;
  const [, double] = /^"((?:[^"\\]|\\.)*)"$/.exec(value) ?? [];
  return double === undefined ? value : double.replace(/\\(["\\$`])/g, '$1');
}
